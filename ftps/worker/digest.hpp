// The hash functions of HASH and its older relatives: OpenSSL's, and zlib's CRC-32.
// Runs in: worker, on the transfer threads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/openssl_handles.hpp"
#include "gateway/base/result.hpp"

namespace stowage::ftps {

/// Names are those of the IANA registry "Hash Function Textual Names", and CRC32 as ProFTPD has it.
enum class HashAlgorithm { sha256, sha1, md5, crc32 };

const std::vector<HashAlgorithm>& hash_algorithms();
std::string_view hash_name(HashAlgorithm algorithm);
/// In any letter case; nothing for what is not known here.
std::optional<HashAlgorithm> hash_named(std::string_view name);

/// One hash in the making. One thread.
class Digest {
  public:
    /// Code::unsupported if this machine's OpenSSL is configured without it.
    static Result<Digest> begin(HashAlgorithm algorithm);

    void update(const char* bytes, std::size_t size);
    /// The hash itself, not its hexadecimal form; once.
    std::string finish();

  private:
    explicit Digest(openssl::Hashing context) : context_(std::move(context)) {}

    openssl::Hashing context_;  // empty: CRC-32
    std::uint32_t crc_ = 0;
};

/// Lower case.
std::string to_hex(std::string_view bytes);

}  // namespace stowage::ftps
