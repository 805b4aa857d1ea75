// Walking for LIST, NLST and MLSD.
// Runs in: worker, on the transfer and file threads.
#include "ftps/worker/listing.hpp"

#include <fmt/format.h>
#include <fnmatch.h>

#include <chrono>
#include <deque>

#include "ftps/worker/paths.hpp"

namespace stowage::ftps {

namespace {

struct Directory {
    std::string path, shown;
    unsigned depth = 0;
};

/// Without another string for each of its parts: `line` is the same one for all.
std::string_view line_of(std::string& line, const ListRequest& request, const Seen& seen, std::int64_t now) {
    line.clear();
    switch (request.form) {
        case ListForm::long_lines:
            append_list_line(line, seen, request.owner, now);
            break;
        case ListForm::names:
            append_line_name(line, request.prefix);
            append_line_name(line, seen.name);
            break;
        case ListForm::facts:
            append_fact_line(line, seen, request.facts);
            break;
    }
    return line += "\r\n";
}

}  // namespace

ListRequest request_for(const LabView& view, ListRequest request) {
    const auto name = name_of(request.path);
    if (request.form == ListForm::facts || name.find_first_of("*?[") == std::string::npos) return request;
    if (view.look(request.path)) return request;
    request.pattern = name;
    request.path = parent_of(request.path);
    return request;
}

Result<void> list(const LabView& view, const ListRequest& request, const LineSink& sink,
                  const std::atomic<bool>* aborted) {
    const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    const bool dated =
        request.form == ListForm::facts && (request.facts & static_cast<unsigned>(Fact::create)) != 0;
    std::string line;
    TRY(const auto target, view.stat(request.path));
    if (!S_ISDIR(target.st_mode) || request.itself) {
        TRY(auto seen, view.look(request.path, dated));
        auto alone = request;
        if (request.form == ListForm::names && request.prefix.ends_with('/')) alone.prefix.pop_back();
        if (request.form == ListForm::names) seen.name.clear();
        if (seen.name.empty() && alone.prefix.empty()) seen.name = ".";
        sink(line_of(line, alone, seen, now));
        return {};
    }

    std::deque<Directory> left{{request.path, ".", 0}};
    bool wanted = true, cut = false;
    Result<void> unread;
    for (unsigned count = 0; !left.empty() && wanted; ++count) {
        const auto current = left.front();
        left.pop_front();
        if (request.recursive)
            wanted = sink(fmt::format("{}{}:\r\n", count ? "\r\n" : "", line_name(current.shown)));
        const auto visit = [&](const Seen& seen) {
            if (aborted && *aborted) return wanted = false;
            if (!request.pattern.empty() &&
                ::fnmatch(request.pattern.c_str(), seen.name.c_str(), FNM_PERIOD) != 0)
                return wanted;
            if (request.recursive && S_ISDIR(seen.stat.st_mode)) {
                const bool fits =
                    current.depth < max_list_depth && count + left.size() + 1 < request.most_directories;
                cut = cut || !fits;
                if (fits)
                    left.push_back(
                        {join(current.path, seen.name), join(current.shown, seen.name), current.depth + 1});
            }
            return wanted = wanted && sink(line_of(line, request, seen, now));
        };
        const auto listed = view.each_child(current.path, visit, dated);
        if (listed) continue;
        if (count == 0) return listed;
        // Removed since it was seen, or not for this lab (lost+found): these are no part of it.
        const bool is_left_out =
            listed.error().code == Code::not_found || listed.error().code == Code::denied;
        if (!is_left_out && unread) unread = listed;
    }
    if (!unread && wanted)
        return Error{Code::io, "the listing is not whole: " + unread.error().what, unread.error().remedy};
    if (cut && wanted)
        return Error{
            Code::io,
            fmt::format("the listing is not whole: -R goes into {} directories and {} levels at most",
                        request.most_directories, max_list_depth),
            "list the deeper directories by themselves"};
    return {};
}

}  // namespace stowage::ftps
