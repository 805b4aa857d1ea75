// What OpenSSL may take for one handshake.
// Runs in: front. Distrusts: the client, who says how long its messages are.
#pragma once

namespace stowage::ftps {

/// While one of these lives OpenSSL gets no block above 48 KiB. For a hello it takes what the first four
/// bytes of it announce, up to 128 KiB, and keeps that for as long as the client likes; real ones have 2 KiB.
class HandshakeMemory {
  public:
    /// Throws when OpenSSL had taken memory before it could be bounded in this process.
    static void check_process();

    HandshakeMemory();
    ~HandshakeMemory();
    HandshakeMemory(const HandshakeMemory&) = delete;
    HandshakeMemory& operator=(const HandshakeMemory&) = delete;

    /// Whether more was asked for.
    bool has_refused() const;
};

}  // namespace stowage::ftps
