// EVP digests by name; what every hash has in common.
// Runs in: worker, on the transfer threads.
#include "ftps/worker/digest.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <zlib.h>

#include <array>

#include "ftps/protocol/ascii_case.hpp"
#include "ftps/worker/command_arguments.hpp"

namespace stowage::ftps {

namespace {

struct Row {
    HashAlgorithm algorithm;
    std::string_view name;
    const EVP_MD* (*function)();
};

constexpr std::array rows = {
    Row{HashAlgorithm::sha256, "SHA-256", EVP_sha256},
    Row{HashAlgorithm::sha1, "SHA-1", EVP_sha1},
    Row{HashAlgorithm::md5, "MD5", EVP_md5},
    Row{HashAlgorithm::crc32, "CRC32", nullptr},
};

const Row& row_of(HashAlgorithm algorithm) {
    return rows[static_cast<std::size_t>(algorithm)];
}

}  // namespace

const std::vector<HashAlgorithm>& hash_algorithms() {
    static const auto all = [] {
        std::vector<HashAlgorithm> found;
        for (const auto& row : rows)
            found.push_back(row.algorithm);
        return found;
    }();
    return all;
}

std::string_view hash_name(HashAlgorithm algorithm) {
    return row_of(algorithm).name;
}

std::optional<HashAlgorithm> hash_named(std::string_view name) {
    for (const auto& row : rows)
        if (row.name == upper(name)) return row.algorithm;
    return {};
}

Result<Digest> Digest::begin(HashAlgorithm algorithm) {
    const auto& row = row_of(algorithm);
    if (!row.function) return Digest(nullptr);
    openssl::Hashing context(EVP_MD_CTX_new());
    if (!context || EVP_DigestInit_ex(context.get(), row.function(), nullptr) != 1)
        return Error{Code::unsupported, std::string(row.name) + " is not available on this server",
                     "choose another algorithm with OPTS HASH"};
    return Digest(std::move(context));
}

void Digest::update(const char* bytes, std::size_t size) {
    if (!context_) {
        crc_ = static_cast<std::uint32_t>(::crc32_z(crc_, reinterpret_cast<const Bytef*>(bytes), size));
    } else if (EVP_DigestUpdate(context_.get(), bytes, size) != 1) {
        throw Fatal({Code::internal, "OpenSSL cannot go on with a hash"});
    }
}

std::string Digest::finish() {
    if (!context_) {
        const std::array bytes = {static_cast<char>(crc_ >> 24), static_cast<char>(crc_ >> 16),
                                  static_cast<char>(crc_ >> 8), static_cast<char>(crc_)};
        return {bytes.data(), bytes.size()};
    }
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned size = 0;
    if (EVP_DigestFinal_ex(context_.get(), bytes.data(), &size) != 1)
        throw Fatal({Code::internal, "OpenSSL cannot finish a hash"});
    return {reinterpret_cast<const char*>(bytes.data()), size};
}

std::string to_hex(std::string_view bytes) {
    std::string hex;
    for (const char c : bytes)
        hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
    return hex;
}

}  // namespace stowage::ftps
