// Steps: what a plan is made of.
// Runs in: controller.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/controller/state/records.hpp"

namespace stowage::controller {

enum class StepKind {
    // ways in, in this order
    make_directory,
    set_quota,
    publish_export,
    serve_ftps,
    check_mount,
    register_data_source,
    // ways out, in this order
    unregister_data_source,
    withdraw_ftps,
    remove_account,
    withdraw_export,
    purge_directory,
    forget_lab,
};

/// "make_directory", …: in the journal, in events, in logs.
std::string_view to_string(StepKind kind);

/// What a step does to what is there.
enum class Change {
    unchanged,  ///< nothing: it is as asked
    create,
    change,
    adopt,  ///< it is there and equal: only written down as ours
    remove,
    differs  ///< it is there, it is not ours, and it is not as asked: told, never done
};

std::string_view to_string(Change change);

/// How something of ours differs from what it should be.
struct Deviation {
    std::string what;            ///< "owner", "quota", …
    std::string was, should_be;  ///< "0:0", "700001:700001"
    bool lasting = true;         ///< false: a reboot may explain it
};

struct Step {
    std::string lab;
    StepKind kind{};
    std::string title;  ///< "quota 10TiB, 50000000 files"
    Change change = Change::unchanged;
    std::string detail = {};  ///< why, or what about it
    /// Of `differs`.
    std::optional<Error> error = {};
    /// Of `adopt` and of register_data_source's `change`: what to own afterwards, respectively what is owned
    /// now.
    std::optional<OwnedDataSource> data_source = {};
    std::string user = {};                   ///< of remove_account
    std::uint32_t project_id = 0;            ///< of set_quota: the lab is given this one
    std::vector<Deviation> deviations = {};  ///< of what is there
    bool only_mount = false;                 ///< of make_directory: what else differs is left alone
    bool walks = false;  ///< of set_quota: it reads the lab's whole tree, which may take a day

    bool does_something() const { return change != Change::unchanged && change != Change::differs; }
};

/// True if `later` makes no sense once `failed` of the same lab has failed: a lab is not exported without its
/// limit, and its data source is not registered before there is something to mount.
bool depends_on(StepKind later, StepKind failed);

/// The same of steps that are known: what stands already and could not be mended is no reason to keep the
/// limit from being set, nor clients and settings from being changed. A pod that fills its lab makes each
/// repair fail.
bool depends_on(const Step& later, const Step& failed);

}  // namespace stowage::controller
