// One FTPS session of the load client: login, uploads and downloads without files, listings.
// Runs in: the bench.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/load/tls.hpp"

namespace stowage::bench {

struct Account {
    std::uint16_t port = 0;
    std::string user, password;
    bool resumes_newest = false;  ///< of all connections, not of the control connection
};

/// What came of a download or listing.
struct Received {
    std::uint64_t bytes = 0, lines = 0;
    double first_byte_seconds = 0;  ///< from the command on
};

/// Explicit TLS, PROT P, TYPE I, EPSV; each data connection resumes the newest session of the control
/// connection. A refusal ends the program.
class FtpsSession {
  public:
    FtpsSession(SSL_CTX* context, const Account& account);

    void put(const std::string& name, std::uint64_t bytes);
    void put_content(const std::string& name, std::string_view content);
    void site(const std::string& words);
    Received get(const std::string& command);
    void quit();
    std::uint64_t not_resumed() const { return not_resumed_; }

  private:
    std::string reply(const char* expected);
    std::string command(const std::string& line, const char* expected);
    std::unique_ptr<TlsStream> open_data(const std::string& line);
    void finish_upload(TlsStream& data);
    void close_data(TlsStream& data);

    SSL_CTX* context_;
    TlsStream control_;
    bool resumes_newest_;
    Resumption from_data_;
    std::string read_;
    std::vector<char> buffer_;
    std::uint64_t not_resumed_ = 0;
};

}  // namespace stowage::bench
