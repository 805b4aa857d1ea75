// What clients other than OpenSSL's do in the handshake of a data connection, and how long they wait for it.
#include <gtest/gtest.h>

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>

#include "tests/system/worker/rig.hpp"

namespace stowage::ftps::rig {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t change_cipher_spec_bytes = 6;

/// OpenSSL's client over memory, so that what it says goes out in the pieces that we choose.
class PiecewiseClient {
  public:
    /// @param splits the second flight leaves as GnuTLS sends it: ChangeCipherSpec, then Finished
    PiecewiseClient(Data& data, bool splits)
        : data_(data), splits_(splits), in_(BIO_new(BIO_s_mem())), out_(BIO_new(BIO_s_mem())) {
        SSL_set_bio(data.ssl(), in_, out_);
    }

    bool handshake() {
        for (;;) {
            const int outcome = SSL_connect(data_.ssl());
            if (!send_what_there_is()) return false;
            if (outcome == 1) return true;
            if (SSL_get_error(data_.ssl(), outcome) != SSL_ERROR_WANT_READ || !receive()) return false;
        }
    }

  private:
    bool send_what_there_is() {
        char* bytes = nullptr;
        auto left = static_cast<std::size_t>(BIO_get_mem_data(out_, &bytes));
        const bool splits =
            splits_ && left > change_cipher_spec_bytes && bytes[0] == SSL3_RT_CHANGE_CIPHER_SPEC;
        for (auto piece = splits ? change_cipher_spec_bytes : left; left > 0; piece = left) {
            if (::send(data_.fd(), bytes, piece, MSG_NOSIGNAL) != static_cast<ssize_t>(piece)) return false;
            bytes += piece;
            left -= piece;
        }
        (void)BIO_reset(out_);
        return true;
    }
    bool receive() {
        std::array<char, 4096> bytes{};
        const auto got = ::recv(data_.fd(), bytes.data(), bytes.size(), 0);
        return got > 0 && BIO_write(in_, bytes.data(), static_cast<int>(got)) == got;
    }

    Data& data_;
    bool splits_;
    BIO *in_, *out_;
};

}  // namespace

// lftp's GnuTLS sends the end of its handshake in two pieces; Nagle holds the second until the first was
// acknowledged, and the kernel may put that off for 40 ms. Taken out (TCP_QUICKACK in on_handshake_read()):
// no download takes less than that.
TEST(DataTlsOfGnuTls, AHandshakeInPiecesWaitsForNoDelayedAcknowledgement) {
    Rig rig;
    auto alice = rig.login();
    ASSERT_EQ(rig.store(alice, "STOR set", "some bytes").code, 226);
    std::array<std::chrono::steady_clock::duration, 2> shortest{1h, 1h};  // in one piece, in two
    for (int i = 0; i < 40; ++i) {
        const bool splits = i % 2 == 1;
        Data data(Rig::epsv(*alice.control), "127.0.0.1", mint(rig.key(), alice.nonce, tls13), tls13);
        ASSERT_EQ(alice.control->ask("RETR set").code, 150);
        const auto began = std::chrono::steady_clock::now();
        ASSERT_TRUE(PiecewiseClient(data, splits).handshake());
        char byte = 0;
        ASSERT_EQ(::recv(data.fd(), &byte, 1, MSG_PEEK), 1);
        shortest[splits] = std::min(shortest[splits], std::chrono::steady_clock::now() - began);
        SSL_set_fd(data.ssl(), data.fd());
        EXPECT_EQ(data.read_all(), "some bytes");
        data.finish();
        EXPECT_EQ(alice.control->read().code, 226);
    }
    EXPECT_LT(shortest[1], shortest[0] + 30ms);
}

}  // namespace stowage::ftps::rig
