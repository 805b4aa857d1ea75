// libFuzzer: any bytes as the attribute that keeps a file's hash: pods may write it, and none is believed.
// Planted, and found within a second: an attribute that is too short, read behind its end.
#include "ftps/worker/hash_attribute.hpp"
#include "tests/fuzz/demand.hpp"

using namespace stowage;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto rest = fuzz::text_of(data, size);
    const auto key = fuzz::take_value<ftps::HashAttribute::Key>(rest);
    struct stat seen {};
    seen.st_ino = fuzz::take_value<std::uint64_t>(rest);
    seen.st_size = fuzz::take_value<std::int64_t>(rest);
    // The times that the attribute names, so that its tag is what is left to judge.
    if (rest.size() >= 41) {
        auto behind = rest.substr(33);
        const auto ctime = fuzz::take_value<std::int64_t>(behind);
        seen.st_ctim = {ctime / 1'000'000'000, ctime % 1'000'000'000};
    }
    const ftps::HashAttribute hashes(key);
    fuzz::demand(!hashes.believed(rest, seen));
    return 0;
}
