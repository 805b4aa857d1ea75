// Exports of NFS-Ganesha: file, D-Bus, what the reply hides, read back, index; undone when any of it fails.
// Runs in: root_step. Distrusts: Ganesha's replies.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "gateway/base/atomic_file.hpp"
#include "gateway/base/identity.hpp"
#include "gateway/base/unfinished_writes.hpp"
#include "nfs/exports/exporter.hpp"
#include "nfs/exports/ganesha_bus.hpp"
#include "nfs/exports/own_files.hpp"

namespace stowage::nfs {

namespace {

Result<void> read_back(GaneshaBus& bus, const Export& meant) {
    TRY(const auto served, bus.display_export(meant.export_id));
    return compare_served(served, meant);
}

Result<RecordedExport> recorded_in(const std::optional<std::string>& text) {
    return text ? parse_export_block(*text) : Result<RecordedExport>(Error{});
}

/// Whether what an NFS-Ganesha serves is ours. In one that we run everything is; in one that we do not, what
/// an export file says, id and path, and nothing else: somebody may export a folder below labs.root.
bool is_ours(const GaneshaExporter& exporter, const ServedPath& entry,
             const std::vector<RecordedExport>& recorded) {
    return !exporter.foreign || std::any_of(recorded.begin(), recorded.end(), [&](const RecordedExport& one) {
        return one.path == entry.path && one.export_id == entry.export_id;
    });
}

struct Before {
    bool live = false;  ///< the lab is served, so that it is updated
    /// Exports in its way: its id on another path (labs.root was changed, or it was that of a lab which the
    /// database does not know) or its path under another id (the database was restored).
    std::vector<std::uint16_t> in_the_way;
};

Result<Before> look(const GaneshaExporter& exporter, GaneshaBus& bus, const Export& meant) {
    TRY(const auto served, bus.show_exports());
    TRY(const auto recorded, recorded_exports(exporter.files));
    Before found;
    for (const auto& entry : served) {
        const bool same_id = entry.export_id == meant.export_id, same_path = entry.path == meant.path;
        if (same_id && same_path) {
            found.live = true;
        } else if (same_id || same_path) {
            if (!is_ours(exporter, entry, recorded))
                return Error{Code::differs,
                             fmt::format("NFS-Ganesha has Export_Id {} for {}, which is not stowage's",
                                         entry.export_id, entry.path),
                             same_path
                                 ? "take that export out of its configuration, and reload NFS-Ganesha"
                                 : "give that export another Export_Id, below 1001, and reload NFS-Ganesha"};
            found.in_the_way.push_back(entry.export_id);
        }
    }
    return found;
}

/// Update keeps the clients' open files; removing and adding would break them.
Result<void> load(const GaneshaExporter& exporter, GaneshaBus& bus, const Export& meant,
                  const Before& found) {
    for (const auto id : found.in_the_way)
        CHECK(bus.remove_export(id));
    const auto file = exporter.files.export_file(meant.lab);
    if (found.live)
        CHECK(bus.update_export(file, meant.export_id));
    else
        CHECK(bus.add_export(file, meant.export_id));
    return read_back(bus, meant);
}

/// Back to the previous file, or to none, in Ganesha too; the caller's error stays the one that is told.
void undo(const GaneshaExporter& exporter, GaneshaBus& bus, const Export& meant,
          const std::optional<std::string>& before, Error& error) {
    const auto file = exporter.files.export_file(meant.lab);
    auto undone = before ? write_atomically(file, *before) : remove_durably(file);
    const auto recorded = recorded_in(before);
    const bool same_id = recorded && recorded->export_id == meant.export_id;
    const auto served = bus.display_export(meant.export_id);
    if (undone && served && !same_id) undone = bus.remove_export(meant.export_id);
    if (undone && served && same_id) undone = bus.update_export(file, meant.export_id);
    if (undone && recorded && (!served || !same_id)) undone = bus.add_export(file, recorded->export_id);
    if (!undone) error.what += "; and undoing failed: " + undone.error().text();
}

Result<std::vector<std::uint16_t>> ids_of_lab(const GaneshaExporter& exporter, GaneshaBus& bus,
                                              const std::string& lab,
                                              const std::optional<std::string>& text) {
    TRY(const auto served, bus.show_exports());
    std::vector<RecordedExport> recorded;
    if (const auto own = recorded_in(text)) recorded.push_back(*own);
    std::vector<std::uint16_t> ids;
    for (const auto& entry : served) {
        const bool recorded_path = !recorded.empty() && entry.path == recorded.front().path;
        if (!recorded_path && entry.path != exporter.labs_root + "/" + lab) continue;
        if (is_ours(exporter, entry, recorded)) ids.push_back(entry.export_id);
    }
    return ids;
}

/// An id is one lab's: whoever else has it on file is gone, and Ganesha's next start would serve that lab.
Result<void> remove_others_of_its_id(const GaneshaExporter& exporter, const Export& meant) {
    TRY(const auto recorded, recorded_exports(exporter.files));
    for (const auto& one : recorded)
        if (one.export_id == meant.export_id && one.lab != meant.lab) {
            CHECK(remove_durably(exporter.files.export_file(one.lab)));
            CHECK(take_from_index(exporter.files, one.lab));
        }
    return {};
}

}  // namespace

Result<void> publish(const GaneshaExporter& exporter, const Export& meant) {
    TRY(const auto text, render_export_block(meant));
    CHECK(make_directories(exporter.files));
    // Ganesha first, the lock second: Ganesha's launcher needs the lock to bring it up.
    TRY(auto bus, GaneshaBus::connect(exporter.files.bus_socket, exporter.limit));
    TRY(const auto lock, lock_exports(exporter.files.lock_file));
    const auto file = exporter.files.export_file(meant.lab);
    remove_unfinished_writes(file);
    TRY(const auto before, previous_text(file));
    if (before == text && read_back(bus, meant)) {
        CHECK(remove_others_of_its_id(exporter, meant));
        return put_into_index(exporter.files, meant.lab);
    }
    TRY(const auto found, look(exporter, bus, meant));
    if (before != text) CHECK(write_atomically(file, text));
    if (auto loaded = load(exporter, bus, meant, found); !loaded) {
        auto error = loaded.error();
        // In a chroot whose root is no mount point, say, Ganesha finds no filesystem for a path.
        if (error.remedy.empty())
            error.remedy =
                "NFS-Ganesha's own lines in the log say why (event=child_said child=ganesha); labs.root "
                "must be on a filesystem that /proc/mounts shows";
        undo(exporter, bus, meant, before, error);
        return error;
    }
    CHECK(remove_others_of_its_id(exporter, meant));
    return put_into_index(exporter.files, meant.lab);
}

Result<void> withdraw(const GaneshaExporter& exporter, const std::string& lab, const Uuid&) {
    CHECK(parse_lab_name(lab));
    CHECK(make_directories(exporter.files));
    // Ganesha first, the lock second: Ganesha's launcher needs the lock to bring it up.
    TRY(auto bus, GaneshaBus::connect(exporter.files.bus_socket, exporter.limit));
    TRY(const auto lock, lock_exports(exporter.files.lock_file));
    const auto file = exporter.files.export_file(lab);
    remove_unfinished_writes(file);
    TRY(const auto text, previous_text(file));
    TRY(const auto ids, ids_of_lab(exporter, bus, lab, text));
    for (const auto id : ids)
        CHECK(bus.remove_export(id));
    // Last: while the file is there, a withdrawal that was killed can be done again from it.
    CHECK(remove_durably(file));
    return take_from_index(exporter.files, lab);
}

namespace {

/// Whoever looks does not wait for a server to come up: it holds the lab's lock, and who looks often would
/// keep away the step that mends.
constexpr std::chrono::milliseconds observe_limit = std::chrono::seconds(3);

Result<void> connect(GaneshaExporter& exporter) {
    TRY(auto bus, GaneshaBus::connect(exporter.files.bus_socket, std::min(exporter.limit, observe_limit)));
    exporter.bus = std::make_shared<GaneshaBus>(std::move(bus));
    return {};
}

/// Over the connection of the last look, if there is one and it still leads to a server.
Result<ServedExport> live_export(GaneshaExporter& exporter, std::uint16_t export_id) {
    if (exporter.bus) {
        auto served = exporter.bus->display_export(export_id);
        if (served || served.error().code != Code::unavailable) return served;
        exporter.bus.reset();
    }
    CHECK(connect(exporter));
    return exporter.bus->display_export(export_id);
}

}  // namespace

Result<ExportState> observe(GaneshaExporter& exporter, const Export& meant) {
    TRY(const auto meant_text, render_export_block(meant));
    TRY(const auto text, previous_text(exporter.files.export_file(meant.lab)));
    ExportState state{.present = text.has_value(), .server = "nfs-ganesha"};
    const auto served = live_export(exporter, meant.export_id);
    const auto compared = served ? compare_served(*served, meant) : Result<void>(served.error());
    if (served && served->path == meant.path) state.clients = rights_in(*served);
    state.present = state.present || compared;
    state.as_meant = compared && text == meant_text;
    if (!compared)
        state.why = compared.error().text();
    else if (!state.as_meant)
        state.why = exporter.files.export_file(meant.lab) + " differs from what it should be";
    return state;
}

}  // namespace stowage::nfs
