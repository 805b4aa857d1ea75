// Three fixed pieces of work whose instructions are counted by callgrind: see instruction_budgets.py.
// Usage: instruction_budgets parse|mlsd|plan
// Runs in: tests only.
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "ftps/protocol/command_line.hpp"
#include "ftps/worker/listing_lines.hpp"
#include "gateway/controller/plan/plan.hpp"

namespace {

using namespace stowage;

constexpr std::size_t lines = 1000, labs = 200;

struct Work {
    ftps::CommandReader reader;
    std::vector<ftps::Seen> entries;
    std::vector<controller::Lab> labs;
    controller::Site site{
        "/mnt/nfs", 700000, 799999, "gateway.example", "/mnt/nfs", Durability::full, Resumption::required};
    std::vector<controller::ObservedStorage> observed;
};

Work prepared() {
    Work work;
    for (std::size_t i = 0; i < lines; ++i) {
        ftps::Seen seen{"image-" + std::to_string(1000000 + i) + ".jpg", {}, {}, 7};
        seen.stat.st_mode = S_IFREG | 0660;
        seen.stat.st_size = static_cast<off_t>(100000 + i * 37);
        seen.stat.st_mtime = static_cast<time_t>(1795467545 + i * 1000);
        seen.stat.st_dev = 0xfe00;
        seen.stat.st_ino = 5000000 + i;
        seen.stat.st_nlink = 1;
        work.entries.push_back(std::move(seen));
    }
    for (std::size_t i = 0; i < labs; ++i) {
        controller::Lab lab;
        lab.name = "lab" + std::to_string(i);
        lab.uid = static_cast<std::uint32_t>(700000 + i);
        lab.export_id = static_cast<std::uint16_t>(1 + i);
        lab.fsid[0] = static_cast<std::uint8_t>(i);
        lab.settings = {10ull << 40, 50000000, {"10.0.0.0/8"}, {}, {}};
        lab.directory = controller::DirectoryPhase::made;
        message::LabObservation there;
        there.root_marked = there.directory_exists = there.marked = there.mounted = 1;
        there.quota_backend = message::QuotaBackend::xfs;
        there.uid = there.gid = lab.uid;
        there.mode = 042770;
        there.quota_bytes = 10ull << 40;
        there.quota_inodes = 50000000;
        there.exported = there.export_present = 1;
        work.observed.push_back({there, controller::served_form(lab, work.site), true, true});
        work.labs.push_back(std::move(lab));
    }
    return work;
}

}  // namespace

// What callgrind collects in; by their names.
extern "C" {

[[gnu::noinline]] std::size_t budget_parse(void* work) {
    auto& reader = static_cast<Work*>(work)->reader;
    reader.feed("STOR datasets/imagenet/train/n01440764/n01440764_10026.JPEG\r\n");
    const auto next = reader.next();
    const auto* command = std::get_if<ftps::Command>(&next);
    return command ? command->argument.size() : 0;
}

[[gnu::noinline]] std::size_t budget_mlsd(void* work) {
    std::size_t bytes = 0;
    std::string chunk;
    for (const auto& seen : static_cast<Work*>(work)->entries) {
        ftps::append_fact_line(chunk, seen, ftps::default_facts);
        chunk += "\r\n";
        if (chunk.size() < 16384) continue;
        bytes += chunk.size();
        chunk.clear();
    }
    return bytes + chunk.size();
}

[[gnu::noinline]] std::size_t budget_plan(void* work) {
    const auto& all = *static_cast<Work*>(work);
    std::size_t steps = 0;
    for (std::size_t i = 0; i < all.labs.size(); ++i)
        steps += controller::plan_storage(all.labs[i], all.site, all.observed[i]).size();
    return steps;
}
}

int main(int argc, char** argv) {
    auto work = prepared();
    const std::string_view what = argc > 1 ? argv[1] : "";
    std::size_t done = 0;
    // Once before, without being counted by hand: callgrind counts both, the second finds allocators warm.
    for (int round = 0; round < 2; ++round)
        done = what == "parse"  ? budget_parse(&work)
               : what == "mlsd" ? budget_mlsd(&work)
               : what == "plan" ? budget_plan(&work)
                                : 0;
    std::printf("%zu\n", done);
    return done > 0 ? 0 : 2;
}
