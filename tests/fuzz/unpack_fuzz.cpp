// libFuzzer: any bytes as an archive. Whatever comes out lies below its directory, and no link in it leads
// out.
// Planted, and found within a second: a link that leads out (link_stays_inside()).
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>

#include "ftps/worker/archive_reader.hpp"
#include "ftps/worker/remove_tree.hpp"
#include "ftps/worker/unpack_tree.hpp"

namespace {

using namespace stowage;
using namespace stowage::ftps;
namespace fs = std::filesystem;

struct Place {
    fs::path base;
    Fd top;

    Place() {
        if (!ArchiveReader::prepare_process()) std::abort();
        char pattern[] = "/tmp/stowage-unpack-fuzz.XXXXXX";
        if (!::mkdtemp(pattern)) std::abort();
        base = pattern;
        top = Fd(::open(pattern, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    }
    ~Place() { fs::remove_all(base); }
};

void demand(bool holds) {
    if (!holds) std::abort();
}

bool leads_out(const fs::path& link, const fs::path& inside) {
    const auto end = (fs::weakly_canonical(link.parent_path()) / fs::read_symlink(link)).lexically_normal();
    std::error_code circle;
    const auto real = fs::weakly_canonical(end, circle);
    return !circle && !real.string().starts_with(inside.string());
}

void look_through(const fs::path& inside) {
    for (const auto& entry : fs::recursive_directory_iterator(inside)) {
        struct stat seen {};
        demand(::lstat(entry.path().c_str(), &seen) == 0);
        demand(S_ISREG(seen.st_mode) || S_ISDIR(seen.st_mode) || S_ISLNK(seen.st_mode));
        demand((seen.st_mode & (S_ISUID | S_ISVTX)) == 0 &&
               (S_ISDIR(seen.st_mode) || !(seen.st_mode & S_ISGID)));
        if (S_ISLNK(seen.st_mode)) demand(!leads_out(entry.path(), inside));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Place place;
    const Fd archive(::memfd_create("archive", MFD_CLOEXEC));
    demand(::write(archive.get(), data, size) == static_cast<ssize_t>(size));
    demand(::mkdirat(place.top.get(), "into", 0700) == 0);
    {
        const Fd into(::openat(place.top.get(), "into", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        Ledger ledger;
        LedgerShare share(ledger);
        Transfer transfer;
        UnpackLimits limits;
        limits.members = 200;
        limits.bytes = 1 << 20;
        limits.path_bytes = 2000;
        limits.into_root = size % 2 == 0;
        const auto done = unpack_tree(archive, into.get(), limits, share, transfer);
        demand(!done || done->bytes <= limits.bytes);
        if (limits.into_root) demand(!fs::exists(place.base / "into/.stowage"));
    }
    look_through(place.base / "into");
    demand(std::distance(fs::directory_iterator(place.base), fs::directory_iterator()) == 1);
    demand(remove_tree(place.top.get(), "into").has_value());
    return 0;
}
