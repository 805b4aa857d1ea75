// Limits and words.
// Runs in: worker.
#include "ftps/worker/unpacked.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "ftps/worker/listing_lines.hpp"
#include "ftps/worker/paths.hpp"
#include "gateway/base/counted.hpp"

namespace stowage::ftps {

namespace {

// More than gzip can make of anything; only what was written to fill a disk is packed tighter than this.
constexpr std::uint64_t most_expansion = 1100, always_allowed_bytes = 1ull << 30;

}  // namespace

UnpackLimits UnpackLimits::for_archive(std::uint64_t archive_bytes, const std::string& target) {
    UnpackLimits limits;
    if (__builtin_mul_overflow(archive_bytes, most_expansion, &limits.bytes)) limits.bytes = UINT64_MAX;
    limits.bytes = std::max(limits.bytes, always_allowed_bytes);
    limits.path_bytes = max_path_bytes - std::min(max_path_bytes, target.size() + 1);
    limits.into_root = target == "/";
    return limits;
}

std::string Unpacked::omissions() const {
    struct Words {
        const char *one, *many;
    };
    static constexpr std::array<Words, kinds> words = {
        {{"device, fifo or socket", "devices, fifos or sockets"},
         {"link that leads out of it", "links that lead out of it"},
         {"name that cannot be here", "names that cannot be here"},
         {"name that something else has", "names that something else has"}}};
    std::uint64_t all = 0;
    std::string list;
    for (std::size_t kind = 0; kind < kinds; ++kind) {
        if (left_out[kind] == 0) continue;
        all += left_out[kind];
        list += fmt::format("{}{}", list.empty() ? "" : ", ",
                            counted(left_out[kind], words[kind].one, words[kind].many));
    }
    if (all == 0) return {};
    return fmt::format("{} left out ({}), the first was {}", counted(all, "member was", "members were"), list,
                       line_name(first_left_out));
}

}  // namespace stowage::ftps
