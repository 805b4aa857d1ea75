// Exports of the kernel's nfsd: write the file for the next boot, tell exportfs its lines, believe only etab.
// With -i exportfs reads no file: other people's would come too, and what an admin had ended by command.
// Runs in: root_step. Distrusts: exportfs' exit code, foreign exports files.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <optional>

#include "gateway/base/atomic_file.hpp"
#include "gateway/base/identity.hpp"
#include "gateway/base/unfinished_writes.hpp"
#include "nfs/exports/exporter.hpp"
#include "nfs/exports/exports_file.hpp"
#include "nfs/exports/narrowing.hpp"
#include "nfs/exports/own_files.hpp"
#include "nfs/exports/plain_path.hpp"
#include "nfs/exports/program.hpp"
#include "nfs/exports/server_choice.hpp"

namespace stowage::nfs {

namespace {

constexpr std::size_t largest_etab = 64 << 20;
constexpr std::chrono::seconds hasty_limit{3};

Result<std::string> read_etab(const KernelExporter& exporter) {
    auto text = read_file(exporter.etab, largest_etab);
    if (!text && text.error().code == Code::not_found) return std::string();  // nothing was ever exported
    return text;
}

/// What exportfs said. A bad exit code alone is no failure: any foreign file can cause it.
Result<std::string> run_exportfs(const KernelExporter& exporter, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), exporter.exportfs);
    TRY(const auto end, run_program(arguments, exporter.limit));
    if (end.status == 0 || end.status == 1) return end.error_text;
    return Error{Code::io, fmt::format("{} {} ended with {}: {}", exporter.exportfs, arguments[1], end.status,
                                       end.error_text)};
}

std::string argument_for(const std::string& client, const std::string& path) {
    const bool colons = client.find(':') != client.npos;
    return colons ? fmt::format("[{}]:{}", client, path) : client + ":" + path;
}

/// Exports what an exports file of ours says; clients that have the path already get these rights.
/// @returns what exportfs said
Result<std::string> export_text(const KernelExporter& exporter, const std::string& text) {
    const auto path = path_in_exports_file(text);
    std::map<std::string, std::vector<std::string>> clients;
    for (const auto& one : admitted_in_exports_file(text))
        clients[one.options].push_back(argument_for(one.client, path));
    std::string all;
    for (const auto& [options, of_these] : clients) {
        std::vector<std::string> arguments{"-i", "-o", options};
        arguments.insert(arguments.end(), of_these.begin(), of_these.end());
        TRY(const auto said, run_exportfs(exporter, std::move(arguments)));
        all += said;
    }
    return all;
}

/// The next boot and `exportfs -r` read all files.
Result<void> check_other_files(const KernelExporter& exporter, const std::string& lab,
                               const std::string& path) {
    std::vector<std::string> files{exporter.main_file};
    std::error_code failed;
    for (std::filesystem::directory_iterator entry(exporter.exports_dir, failed), end;
         !failed && entry != end; entry.increment(failed)) {
        const auto name = entry->path().filename().string();
        if (!name.starts_with('.') && name.ends_with(".exports")) files.push_back(entry->path().string());
    }
    for (const auto& file : files) {
        if (file == exporter.file_of(lab)) continue;
        const auto text = read_file(file);
        if (text && is_exported_by(*text, path))
            return Error{Code::differs, fmt::format("{} exports {} too", file, path),
                         "remove the line there"};
    }
    return {};
}

/// Ends the exports of a lab's path to all but those clients.
/// @returns whether there were any
Result<bool> unexport(const KernelExporter& exporter, const std::string& path,
                      const std::vector<std::string>& spared) {
    TRY(const auto etab, read_etab(exporter));
    std::vector<std::string> arguments{"-u"};
    for (const auto& client : etab_clients(etab, path)) {
        if (std::find(spared.begin(), spared.end(), client) != spared.end()) continue;
        arguments.push_back(argument_for(client, path));
    }
    if (arguments.size() == 1) return false;
    TRY(const auto said, run_exportfs(exporter, std::move(arguments)));
    return true;
}

std::vector<std::string> clients_of(const std::string& text) {
    std::vector<std::string> clients;
    for (auto& one : admitted_in_exports_file(text))
        clients.push_back(std::move(one.client));
    return clients;
}

Result<void> put_text(const std::string& path, const std::optional<std::string>& text) {
    if (!text) return remove_durably(path);
    return write_atomically(path, *text, {.uid = 0, .gid = 0, .mode = 0644});
}

Result<void> restore(const KernelExporter& exporter, const std::string& lab, const std::string& path,
                     const std::optional<std::string>& before) {
    CHECK(put_text(exporter.file_of(lab), before));
    std::vector<std::string> spared;
    if (before && path_in_exports_file(*before) == path) spared = clients_of(*before);
    // Whatever becomes of the former ones, nobody new stays.
    const auto again = before ? export_text(exporter, *before) : Result<std::string>(std::string());
    CHECK(unexport(exporter, path, spared));
    return again ? Result<void>() : again.error();
}

/// Puts the previous file back; the caller's error stays the one that is told.
void undo(const KernelExporter& exporter, const Export& meant, const std::optional<std::string>& before,
          Error& error) {
    const auto undone = restore(exporter, meant.lab, meant.path, before);
    if (!undone) error.what += "; and undoing failed: " + undone.error().text();
}

Result<void> apply(const KernelExporter& exporter, const Export& meant, const std::string& text,
                   const std::string& mount_point) {
    // First whom it gives something: when that fails nobody has lost anything.
    TRY(const auto said, export_text(exporter, text));
    CHECK(unexport(exporter, meant.path, clients_of(text)));
    TRY(const auto etab, read_etab(exporter));
    auto compared = compare_etab(etab, meant, mount_point);
    if (compared) return check_other_files(exporter, meant.lab, meant.path);
    auto error = compared.error();
    if (!said.empty()) error.what += "; exportfs said: " + said;
    return error;
}

Result<void> make_exports_dir(const std::string& path) {
    if (::mkdir(path.c_str(), 0755) != 0) {
        if (errno == EEXIST) return {};
        return system_error(errno, "mkdir " + path);
    }
    if (::chmod(path.c_str(), 0755) != 0) return system_error(errno, "chmod " + path);  // past our umask
    return {};
}

Result<void> check_whose(const std::string& file, const std::optional<std::string>& before,
                         const Export& meant) {
    if (!before || is_exports_file_of(*before, meant.path, meant.fsid)) return {};
    return Error{
        Code::differs,
        fmt::format("{} exports {}, which is not this gateway's", file, path_in_exports_file(*before)),
        "let one of the two gateways write elsewhere (nfs.exports_dir), or name the lab otherwise; "
        "if it is of a gateway that is gone, remove the file"};
}

Result<void> put(const KernelExporter& exporter, const Export& meant) {
    CHECK(check_plain_path(meant.path));
    TRY(const auto mount_point, mount_point_of(meant.path));
    CHECK(make_exports_dir(exporter.exports_dir));
    TRY(const auto lock, lock_exports(exporter.lock_file));
    const auto path = exporter.file_of(meant.lab);
    const auto text = render_exports_file(meant, mount_point);
    TRY(const auto before, previous_text(path));
    CHECK(check_whose(path, before, meant));
    remove_unfinished_writes(path);
    if (before == text) {
        TRY(const auto etab, read_etab(exporter));
        if (compare_etab(etab, meant, mount_point)) return {};
    } else {
        // A former path first: once the file names another one, nobody knows it any more.
        if (before && path_in_exports_file(*before) != meant.path)
            CHECK(unexport(exporter, path_in_exports_file(*before), {}));
        CHECK(put_text(path, text));
    }
    auto applied = apply(exporter, meant, text, mount_point);
    if (applied) return {};
    auto error = applied.error();
    undo(exporter, meant, before, error);
    return error;
}

Result<void> check_is_served(const KernelExporter& exporter) {
    if (exporter.port == 0) return {};
    return check_nfsd_is_up(exporter.port, exporter.service_manager);
}

}  // namespace

Result<void> publish(const KernelExporter& exporter, const Export& meant) {
    // exportfs would be content; pods would find the other program's exports, and no lab among them.
    CHECK(check_port_of_nfsd(exporter.port));
    CHECK(put(exporter, meant));
    // Last: what is put serves the lab as soon as nfsd starts.
    return check_is_served(exporter);
}

Result<bool> narrow(const KernelExporter& exporter, const Export& meant) {
    TRY(const auto lock, lock_exports(exporter.lock_file));
    const auto file = exporter.file_of(meant.lab);
    TRY(const auto before, previous_text(file));
    if (!before || path_in_exports_file(*before) != meant.path) return false;
    const auto text = render_exports_file(meant, mount_point_on_file(*before));
    if (before != text) CHECK(put_text(file, text));
    std::vector<std::string> spared;
    for (const auto& client : clients_on_file(*before))
        if (client.read_only == meant.reads_only(client.network)) spared.push_back(client.network);
    std::erase_if(spared, [&](const std::string& network) { return !meant.admits(network); });
    // Part of a network that was let in, or with fewer rights, goes on without a gap; but where the lab
    // hangs, at which exportfs looks itself, it waits for publish().
    auto hasty = exporter;
    hasty.limit = hasty_limit;
    const bool all_spared = spared.size() == meant.clients.size() + meant.read_only_clients.size();
    const bool told = all_spared || export_text(hasty, text);
    TRY(const bool any, unexport(exporter, meant.path, told ? clients_of(text) : spared));
    return any || before != text;
}

Result<void> withdraw(const KernelExporter& exporter, const std::string& lab, const Uuid& fsid) {
    CHECK(parse_lab_name(lab));
    TRY(const auto lock, lock_exports(exporter.lock_file));
    const auto file = exporter.file_of(lab);
    TRY(const auto before, previous_text(file));
    auto path = exporter.labs_root + "/" + lab;
    if (before && !is_exports_file_of(*before, path, fsid)) return {};
    remove_unfinished_writes(file);
    CHECK(remove_durably(file));
    // Also when there was no file: a withdrawal killed halfway may have left the export behind it.
    if (const auto recorded = before ? path_in_exports_file(*before) : ""; !recorded.empty()) path = recorded;
    TRY(const bool any, unexport(exporter, path, {}));
    TRY(const auto etab, read_etab(exporter));
    if (any && !etab_clients(etab, path).empty())
        return Error{Code::differs, path + " is still exported after its file was removed (etab)",
                     "look what `exportfs -u` says of it"};
    return check_other_files(exporter, lab, path);
}

Result<ExportState> observe(const KernelExporter& exporter, const Export& meant) {
    ExportState state{.server = "kernel nfsd"};
    TRY(const auto text, previous_text(exporter.file_of(meant.lab)));
    TRY(const auto etab, read_etab(exporter));
    state.present = text && is_exports_file_of(*text, meant.path, meant.fsid);
    const auto mounted = mount_point_of(meant.path);
    const auto mount_point = mounted ? *mounted : std::string();
    const auto served = check_is_served(exporter);
    const auto compared = served ? compare_etab(etab, meant, mount_point) : served;
    state.on_file = text == render_exports_file(meant, mount_point);
    state.as_meant = state.on_file && compared;
    if (served) state.clients = etab_rights(etab, meant.path);
    if (!compared)
        state.why = compared.error().text();
    else if (!state.as_meant)
        state.why = exporter.file_of(meant.lab) + " differs from what it should be";
    return state;
}

}  // namespace stowage::nfs
