// From a step to the functions that do it.
// Runs in: root_step.
#include "gateway/root_step/steps.hpp"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>

#include "gateway/base/config_parsers.hpp"
#include "gateway/base/file_lock.hpp"
#include "gateway/base/identity.hpp"
#include "gateway/base/ipc.hpp"
#include "gateway/base/log.hpp"
#include "gateway/base/step_rules.hpp"
#include "nfs/exports/clients.hpp"
#include "nfs/exports/exporter.hpp"
#include "provisioning/storage/lab_directory.hpp"
#include "provisioning/storage/password_file.hpp"
#include "provisioning/storage/quota.hpp"

namespace stowage::root_step {

namespace {

using message::LabObservation;
using message::Step;
using message::StepRequest;

/// Below the supervisor's limit of a step, so that who waits in vain says why.
constexpr std::chrono::seconds lock_limit{30};

storage::LabPlace place_of(const StepRequest& request, const Config& config) {
    return {
        config.labs.root, request.lab.str(), request.uid, {request.labs_root, request.labs_root_known != 0}};
}

nfs::Export export_of(const StepRequest& request, const Config& config) {
    nfs::Export meant;
    meant.lab = request.lab.str();
    meant.path = config.labs.root + "/" + meant.lab;
    meant.uid = request.uid;
    meant.gid = request.gid;
    meant.export_id = request.export_id;
    meant.fsid = request.fsid;
    meant.security = config.nfs.security;
    meant.transport = config.nfs.transport_security;
    // check_step() has seen that they can be read.
    const auto texts = config_parsers::clients(request.clients.view());
    for (const auto& text : texts ? *texts : std::vector<std::string>())
        if (const auto client = parse_client(text))
            (client->read_only ? meant.read_only_clients : meant.clients).push_back(client->network);
    // The mount check comes from this node, whose root has the files anyway.
    const auto& check = config.nfs.check_address;
    if (const auto network = parse_network(check);
        network && !is_in(meant.clients, check) && !is_in(meant.read_only_clients, check))
        meant.clients.push_back(*network);
    return meant;
}

Result<void> set_quota(const StepRequest& request, const Config& config) {
    TRY(const auto root, storage::open_root(config.labs.root));
    TRY(const auto chosen, storage::choose_quota(root, config.labs.quota_backend));
    TRY(const auto directory, storage::open_lab(root, place_of(request, config)));
    if (storage::counts_by_project(chosen.backend) && request.project_id == 0)
        return Error{Code::unavailable, "quotas were switched on since the lab was looked at",
                     "the next pass gives it a project"};
    return storage::set_quota(chosen.backend, directory,
                              {request.quota_bytes, request.quota_inodes, request.project_id});
}

void note_quota(LabObservation& seen, const storage::QuotaState& state) {
    seen.quota_bytes = state.limit_bytes;
    seen.quota_inodes = state.limit_inodes;
    seen.used_bytes = state.used_bytes;
    seen.used_inodes = state.used_inodes;
    seen.project_id = state.project;
    seen.project_whole = state.project_whole;
}

Result<void> note_free_space(const Fd& root, LabObservation& seen) {
    struct statvfs info {};
    if (::fstatvfs(root.get(), &info) != 0) return system_error(errno, "statvfs labs.root");
    seen.disk_free_bytes = std::uint64_t{info.f_bavail} * info.f_frsize;
    // Filesystems that make inodes as they need them tell none at all.
    seen.disk_free_inodes = info.f_files ? info.f_favail : UINT64_MAX;
    return {};
}

/// For the lab's FTPS process: what really counts and limits now.
Result<LabObservation> observe_quota(const StepRequest& request, const Config& config) {
    LabObservation seen;
    TRY(const auto root, storage::open_root(config.labs.root));
    TRY(const auto chosen, storage::choose_quota(root, config.labs.quota_backend));
    TRY(const auto directory, storage::open_lab(root, place_of(request, config)));
    seen.quota_backend = storage::backend_of(chosen.backend, directory);
    TRY(const auto state, storage::read_quota(seen.quota_backend, directory));
    note_quota(seen, state);
    CHECK(note_free_space(root, seen));
    const bool uncounted = storage::counts_by_project(seen.quota_backend) && state.project == 0;
    if (uncounted) seen.quota_backend = storage::QuotaBackend::none;
    return seen;
}

/// What could count for the lab, why, and what it says now.
Result<void> observe_limits(const StepRequest& request, const Config& config, LabObservation& seen) {
    TRY(const auto root, storage::open_root(config.labs.root));
    CHECK(note_free_space(root, seen));
    auto choice = storage::choose_quota(root, config.labs.quota_backend);
    // Making the directory is refused with the same words, if it is the right filesystem at all.
    if (!choice && !seen.directory_exists) {
        seen.quota_why.assign_cut(choice.error().text());
        return {};
    }
    TRY(const auto chosen, std::move(choice));
    seen.quota_backend = chosen.backend;
    seen.quota_why.assign_cut(chosen.remedy.empty() ? chosen.why : chosen.why + ": " + chosen.remedy);
    if (seen.directory_exists) {
        TRY(const auto directory, storage::open_lab(root, place_of(request, config)));
        seen.quota_backend = storage::backend_of(chosen.backend, directory);
        if (seen.quota_backend != chosen.backend)
            seen.quota_why.assign_cut(
                "the lab's directory is no subvolume, or on another filesystem than "
                "labs.root: move it away, `stowage apply`, and copy its files back");
        TRY(const auto state, storage::read_quota(seen.quota_backend, directory, request.project_id));
        note_quota(seen, state);
    }
    if (!storage::counts_by_project(seen.quota_backend) || request.project_id != 0) return {};
    // Ours already: a database out of a backup may not know it any more.
    const bool own = seen.marked && is_project_of(request.uid, seen.project_id);
    if (own) {
        seen.project_offer = seen.project_id;
        return {};
    }
    TRY(seen.project_offer, storage::offer_project(seen.quota_backend, root, request.uid, project_stride));
    return {};
}

/// No NFS server is here: publishing tells what to install, and whatever only takes away goes on without.
template <typename T>
bool is_missing(const Result<T>& exporter) {
    return !exporter && exporter.error().code == Code::unsupported;
}

/// How long a choice among the node's NFS servers holds: the choice reads much.
constexpr std::chrono::seconds choice_limit{5};

Result<nfs::Exporter*> exporter_of(LeftToNext& left, const Config& config) {
    const auto now = std::chrono::steady_clock::now();
    if (!left.exporter || now - left.since > choice_limit) {
        left.exporter.reset();
        TRY(left.exporter, nfs::make_exporter(config));
        left.since = now;
    }
    return &*left.exporter;
}

/// export_of() adds the address of the mount checks, which nobody has asked for.
std::vector<std::string> without_own_checks(const nfs::ExportState& state, const StepRequest& request,
                                            const Config& config) {
    auto clients = state.clients;
    const auto own = parse_network(config.nfs.check_address);
    const auto asked = config_parsers::clients(request.clients.view());
    const bool is_asked = own && asked && std::find(asked->begin(), asked->end(), *own) != asked->end();
    if (own && !is_asked) std::erase(clients, *own);
    return clients;
}

Result<LabObservation> observe(const StepRequest& request, const Config& config, LeftToNext& left) {
    TRY(auto seen, storage::observe_directory(place_of(request, config)));
    CHECK(observe_limits(request, config, seen));
    if (request.clients.size == 0) return seen;
    const auto exporter = exporter_of(left, config);
    if (is_missing(exporter)) return seen;
    if (!exporter) return exporter.error();
    TRY(const auto state, nfs::observe(**exporter, export_of(request, config)));
    seen.export_present = state.present;
    seen.export_on_file = state.on_file;
    seen.exported =
        state.as_meant && !nfs::is_left_elsewhere(config, **exporter, request.lab.str(), request.fsid);
    seen.exported_to.assign_cut(
        fmt::format("{}", fmt::join(without_own_checks(state, request, config), ",")));
    return seen;
}

/// export_present says in the reply that somebody was taken away.
Result<LabObservation> narrow(const StepRequest& request, const Config& config) {
    TRY(auto exporter, nfs::make_exporter(config));
    LabObservation changed;
    TRY(changed.export_present, nfs::narrow(exporter, export_of(request, config)));
    return changed;
}

Result<void> publish(const StepRequest& request, const Config& config) {
    TRY(auto exporter, nfs::make_exporter(config));
    CHECK(nfs::publish(exporter, export_of(request, config)));
    return nfs::withdraw_elsewhere(config, exporter, request.lab.str(), request.fsid);
}

Result<void> withdraw(const StepRequest& request, const Config& config) {
    auto exporter = nfs::make_exporter(config);
    if (!exporter && !is_missing(exporter)) return exporter.error();
    const auto lab = request.lab.str();
    CHECK(exporter ? nfs::withdraw(*exporter, lab, request.fsid)
                   : nfs::withdraw_files(config, lab, request.fsid));
    if (exporter) CHECK(nfs::withdraw_elsewhere(config, *exporter, lab, request.fsid));
    if (request.only_server) return {};
    return storage::release_directory(place_of(request, config));
}

/// Not on another filesystem than the configuration speaks of: that is how a missing mount shows.
Result<void> make_directory(const StepRequest& request, const Config& config) {
    TRY(const auto root, storage::open_root(config.labs.root));
    CHECK(storage::choose_quota(root, config.labs.quota_backend));
    if (request.only_mount) return storage::mount_directory(place_of(request, config));
    return storage::make_directory(place_of(request, config), request.labs_were_made);
}

/// Clients of an export would see their files go one by one.
Result<void> check_not_exported(const StepRequest& request, const Config& config) {
    auto exporter = nfs::make_exporter(config);
    if (is_missing(exporter)) return {};
    if (!exporter) return exporter.error();
    // Whether something of the lab's name is served does not depend on these.
    auto any = export_of(request, config);
    any.export_id = 1;
    any.clients = {"127.0.0.1/32"};
    TRY(const auto state, nfs::observe(*exporter, any));
    if (!state.present) return {};
    return Error{Code::in_use, "lab " + any.lab + " is still exported by " + state.server,
                 "withdraw the export first"};
}

Result<void> purge(const StepRequest& request, const Config& config) {
    CHECK(check_not_exported(request, config));
    CHECK(storage::purge_directory(place_of(request, config)));
    if (request.project_id == 0) return {};
    TRY(const auto root, storage::open_root(config.labs.root));
    TRY(const auto chosen, storage::choose_quota(root, config.labs.quota_backend));
    return storage::forget_quota(chosen.backend, root, request.project_id);
}

/// Sends each to the supervisor, in front of the reply.
Result<void> list_nfs_clients(const Config& config) {
    TRY(const auto exporter, nfs::make_exporter(config));
    TRY(const auto clients, nfs::list_clients(exporter, message::most_nfs_clients));
    auto spare = message::most_nfs_clients - clients.size();
    for (const auto& client : clients) {
        message::NfsClientEntry entry;
        entry.address.assign_cut(client.address);
        entry.version.assign_cut(client.version);
        entry.name.assign_cut(client.name);
        entry.path.assign_cut(client.path);
        entry.seen_s = client.seen_s;
        entry.opens = client.opens.value_or(message::opens_not_told);
        CHECK(ipc::send(ipc::supervisor_fd, entry));
        for (const auto& [lab, opens] : client.labs) {
            if (spare == 0) break;
            --spare;
            entry.path.assign_cut(config.labs.root + "/" + lab);
            entry.opens = opens;
            CHECK(ipc::send(ipc::supervisor_fd, entry));
        }
    }
    return {};
}

Result<void> change(const StepRequest& request, const Config& config) {
    const auto& passwords = config.accounts.password_file;
    switch (request.step) {
        case Step::make_directory:
            return make_directory(request, config);
        case Step::set_quota:
            return set_quota(request, config);
        case Step::publish_export:
            return publish(request, config);
        case Step::withdraw_export:
            return withdraw(request, config);
        case Step::purge_directory:
            return purge(request, config);
        case Step::set_password:
            return storage::set_password_hash(passwords, request.user.str(), request.password_hash.str());
        case Step::remove_password:
            return storage::remove_password_hash(passwords, request.user.str());
        case Step::list_nfs_clients:
            return list_nfs_clients(config);
        case Step::observe_lab:
        case Step::observe_quota:
        case Step::stop_set_quota:
            break;
    }
    return Error{Code::protocol, "no such step"};
}

/// One changing step of a lab at a time, and no look at what is half changed: a controller that was restarted
/// may ask while the old step still runs.
Result<Fd> lock_lab(const StepRequest& request, const Config& config) {
    const bool looks = request.step == Step::observe_lab;
    return lock_file(config.run_dir + "/lab-" + request.lab.str() + ".lock",
                     looks ? Lock::shared : Lock::exclusive, lock_limit);
}

}  // namespace

Result<LabObservation> perform(const StepRequest& request, const Config& config, LeftToNext& left) {
    // Without the lock: FTPS users wait for these numbers, and they are read in one call.
    if (request.step == Step::observe_quota) return observe_quota(request, config);
    Fd lock;
    // A look that hangs holds it, and the exports have a lock of their own.
    if (request.lab.size && !request.only_server) {
        TRY(lock, lock_lab(request, config));
    }
    if (request.step == Step::observe_lab) return observe(request, config, left);
    if (request.step == Step::publish_export && request.only_server) return narrow(request, config);
    CHECK(change(request, config));
    return LabObservation{};
}

}  // namespace stowage::root_step
