// From a step to the functions that do it.
// Runs in: root_step.
#include "gateway/root_step/steps.hpp"

#include "gateway/base/config_parsers.hpp"
#include "gateway/base/identity.hpp"
#include "gateway/base/ipc.hpp"
#include "gateway/base/log.hpp"
#include "nfs/exports/clients.hpp"
#include "nfs/exports/exporter.hpp"
#include "provisioning/storage/file_lock.hpp"
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
    return {config.labs.root, request.lab.str(), request.uid};
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
    return meant;
}

/// A lab's directory and the backend that counts for it.
struct Quota {
    Fd directory;
    storage::QuotaBackend backend;
};

Result<Quota> quota_of(const StepRequest& request, const Config& config) {
    TRY(const auto root, storage::open_root(config.labs.root));
    TRY(const auto chosen, storage::choose_quota(root, config.labs.quota_backend));
    TRY(auto directory, storage::open_lab(root, place_of(request, config)));
    return Quota{std::move(directory), chosen.backend};
}

Result<void> set_quota(const StepRequest& request, const Config& config) {
    TRY(const auto quota, quota_of(request, config));
    return storage::set_quota(quota.backend, quota.directory, request.quota_bytes, request.quota_inodes);
}

Result<void> observe_quota(const StepRequest& request, const Config& config, LabObservation& seen) {
    TRY(const auto quota, quota_of(request, config));
    const auto backend = storage::backend_of(quota.backend, quota.directory);
    TRY(const auto state, storage::read_quota(backend, quota.directory));
    seen.quota_backend = backend;
    seen.quota_bytes = state.limit_bytes;
    seen.quota_inodes = state.limit_inodes;
    seen.used_bytes = state.used_bytes;
    seen.used_inodes = state.used_inodes;
    return {};
}

/// No NFS server is here: publishing tells what to install, and whatever only takes away goes on without.
bool is_missing(const Result<nfs::Exporter>& exporter) {
    return !exporter && exporter.error().code == Code::unsupported;
}

Result<LabObservation> observe(const StepRequest& request, const Config& config) {
    TRY(auto seen, storage::observe_directory(place_of(request, config)));
    if (seen.directory_exists) CHECK(observe_quota(request, config, seen));
    if (request.clients.size == 0) return seen;
    auto exporter = nfs::make_exporter(config);
    if (is_missing(exporter)) return seen;
    if (!exporter) return exporter.error();
    TRY(const auto state, nfs::observe(*exporter, export_of(request, config)));
    seen.export_present = state.present;
    seen.exported = state.as_meant;
    return seen;
}

Result<void> publish(const StepRequest& request, const Config& config) {
    TRY(auto exporter, nfs::make_exporter(config));
    return nfs::publish(exporter, export_of(request, config));
}

Result<void> withdraw(const StepRequest& request, const Config& config) {
    auto exporter = nfs::make_exporter(config);
    if (!exporter && !is_missing(exporter)) return exporter.error();
    CHECK(exporter ? nfs::withdraw(*exporter, request.lab.str())
                   : nfs::withdraw_files(config, request.lab.str()));
    return storage::release_directory(place_of(request, config));
}

/// Not on another filesystem than the configuration speaks of: that is how a missing mount shows.
Result<void> make_directory(const StepRequest& request, const Config& config) {
    TRY(const auto root, storage::open_root(config.labs.root));
    CHECK(storage::choose_quota(root, config.labs.quota_backend));
    return storage::make_directory(place_of(request, config));
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
    return storage::purge_directory(place_of(request, config));
}

/// Sends each to the supervisor, in front of the reply.
Result<void> list_nfs_clients(const Config& config) {
    TRY(const auto exporter, nfs::make_exporter(config));
    TRY(const auto clients, nfs::list_clients(exporter, message::most_nfs_clients));
    for (const auto& client : clients) {
        message::NfsClientEntry entry;
        entry.address.assign_cut(client.address);
        entry.version.assign_cut(client.version);
        entry.name.assign_cut(client.name);
        entry.path.assign_cut(client.path);
        entry.seen_s = client.seen_s;
        entry.opens = client.opens;
        CHECK(ipc::send(ipc::supervisor_fd, entry));
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
            break;
    }
    return Error{Code::protocol, "no such step"};
}

/// One changing step of a lab at a time, and no look at what is half changed: a controller that was restarted
/// may ask while the old step still runs.
Result<Fd> lock_lab(const StepRequest& request, const Config& config) {
    const bool looks = request.step == Step::observe_lab;
    return storage::lock_file(config.run_dir + "/lab-" + request.lab.str() + ".lock",
                              looks ? storage::Lock::shared : storage::Lock::exclusive, lock_limit);
}

}  // namespace

Result<LabObservation> perform(const StepRequest& request, const Config& config) {
    // Without the lock: FTPS users wait for these numbers, and they are read in one call.
    if (request.step == Step::observe_quota) {
        LabObservation seen;
        CHECK(observe_quota(request, config, seen));
        return seen;
    }
    Fd lock;
    if (request.lab.size) {
        TRY(lock, lock_lab(request, config));
    }
    if (request.step == Step::observe_lab) return observe(request, config);
    CHECK(change(request, config));
    return LabObservation{};
}

}  // namespace stowage::root_step
