// Line ends of TYPE A (RFC 959 §3.1.1.1): CR LF on the data connection, LF in the lab.
// Runs in: worker, on the transfer threads. Distrusts: where the peer splits its records.
#pragma once

#include <string>
#include <string_view>

namespace stowage::ftps {

/// An upload: CR LF becomes LF; a CR that no LF follows stays.
class LocalLines {
  public:
    /// What is certain so far; valid until the next call. A CR at the end waits for what follows it.
    std::string_view take(std::string_view received);
    /// After the last byte: the CR that still waits, if any.
    std::string_view rest();

  private:
    std::string out_;
    bool waiting_ = false;
};

/// A download: LF becomes CR LF; a CR LF that stands in the file stays one, as vsftpd and ProFTPD have it, so
/// that files from Windows do not get CR CR LF.
class NetworkLines {
  public:
    std::string_view take(std::string_view read);

  private:
    std::string out_;
    bool after_return_ = false;
};

}  // namespace stowage::ftps
