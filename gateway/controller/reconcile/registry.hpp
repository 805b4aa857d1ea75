// Run:ai as the reconciler sees it: where labs are registered, and whether it can be reached.
// Runs in: controller. Distrusts: Run:ai.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "gateway/base/config.hpp"
#include "gateway/base/secret.hpp"
#include "gateway/controller/reconcile/registrations_seen.hpp"
#include "provisioning/runai/client.hpp"

namespace stowage::controller {

/// How the last call went.
struct RegistryStatus {
    std::string state;       ///< "off", "unknown", "ok", "unreachable", "refused"
    std::string code;        ///< of the latter two: a stowage::Code in words
    std::string why;         ///< of the latter two
    std::int64_t since = 0;  ///< of this state
};

class Registry {
  public:
    /// Code::config for settings that cannot work. No network I/O.
    static Result<std::unique_ptr<Registry>> make(boost::asio::any_io_executor executor, const Config& config,
                                                  Secret client_secret);
    /// @param client nothing: Run:ai is not used
    Registry(boost::asio::any_io_executor executor, std::optional<runai::Client> client);

    bool is_used() const { return client_.has_value(); }

    /// Where the lab's data source belongs, and the data source. Reads only. May take minutes while Run:ai
    /// does not answer.
    boost::asio::awaitable<ObservedRegistration> observe(Lab lab);
    /// The same by lists of everything, which labs share that ask within some time: the calls grow with their
    /// pages, not with labs. @param not_before when the look may have begun at the earliest
    boost::asio::awaitable<ObservedRegistration> observe_shared(
        Lab lab, std::chrono::steady_clock::time_point not_before);
    /// The same, but answers UnknownRegistration (Code::timeout) after `limit`.
    boost::asio::awaitable<ObservedRegistration> observe_within(Lab lab, std::chrono::seconds limit);

    /// Creates it, and reads it back: Code::protocol if what is there then is not what was sent.
    boost::asio::awaitable<Result<OwnedDataSource>> create(runai::NfsDataSource wanted);
    boost::asio::awaitable<Result<OwnedDataSource>> update(std::string id, runai::NfsDataSource wanted);
    boost::asio::awaitable<Result<void>> remove(std::string id);
    /// Code::in_use naming them when somebody uses it.
    boost::asio::awaitable<Result<void>> check_unused(std::string id);

    /// Nothing when Run:ai is not used.
    runai::Client* client() { return client_ ? &*client_ : nullptr; }
    /// How calls of others went; those below note their own.
    void note_result(const std::optional<Error>& error) { note(error); }

    const RegistryStatus& status() const { return status_; }

  private:
    struct SharedLook;
    boost::asio::awaitable<Result<KnownRegistration>> look_up(Lab lab);
    boost::asio::awaitable<Result<std::string>> department_id(std::string lab);
    boost::asio::awaitable<Result<void>> find_cluster();
    boost::asio::awaitable<Result<SeenRegistrations>> read_lists(bool projects_too);
    static boost::asio::awaitable<void> read_into(Registry& registry, std::shared_ptr<SharedLook> look);
    boost::asio::awaitable<Result<OwnedDataSource>> read_back(runai::NfsDataSource wanted, bool made);
    void note(std::optional<Error> error);
    template <typename T>
    void note(const Result<T>& result);

    boost::asio::any_io_executor executor_;
    std::optional<runai::Client> client_;
    std::string cluster_uuid_;  ///< empty: not looked up yet
    std::shared_ptr<SharedLook> shared_;
    RegistryStatus status_;
};

}  // namespace stowage::controller
