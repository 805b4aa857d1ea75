// NFS-Ganesha's D-Bus interface on our private bus (org.ganesha.nfsd.exportmgr).
// Runs in: root_step. Blocking, every call bounded. Distrusts: replies that say success.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.hpp"
#include "nfs/exports/export.hpp"

struct sd_bus;

namespace stowage::nfs {

/// An entry of ShowExports.
struct ServedPath {
    std::uint16_t export_id = 0;
    std::string path;
};

/// What DisplayExport tells.
struct ServedClient {
    std::string network;
    std::uint32_t anonymous_uid = 0, anonymous_gid = 0;
    std::uint32_t options = 0;  ///< bits of Ganesha's export_perms
};
struct ServedExport {
    std::uint16_t export_id = 0;
    std::string path, pseudo;
    std::vector<ServedClient> clients;
};

struct ConnectedClient;

/// Success only if the text of an AddExport or UpdateExport reply says that just one export was changed and
/// tells of no error: "1 exports updated. Errors found:…" comes as a success, too. Pure.
Result<void> judge_reply(std::string_view text);

/// Success, or Code::differs with the first difference. Pure.
Result<void> compare_served(const ServedExport& served, const Export& meant);

/// To whom: "10.0.0.0/8", "10.0.0.0/8:ro". Pure.
std::vector<std::string> rights_in(const ServedExport& served);

/// One connection to the bus on which Ganesha has its name.
class GaneshaBus {
  public:
    /// Waits until the bus listens and org.ganesha.nfsd is on it: either may just be starting. No polling.
    /// Code::unavailable after `limit`.
    static Result<GaneshaBus> connect(const std::string& socket, std::chrono::milliseconds limit);

    Result<std::vector<ServedPath>> show_exports();
    /// Everybody whom it has heard of since its start, with the newest version of NFS that they spoke.
    Result<std::vector<ConnectedClient>> show_clients();
    Result<ServedExport> display_export(std::uint16_t export_id);
    /// From a file with one EXPORT block. The reply's text is judged.
    Result<void> add_export(const std::string& file, std::uint16_t export_id);
    Result<void> update_export(const std::string& file, std::uint16_t export_id);
    Result<void> remove_export(std::uint16_t export_id);

  private:
    struct Closer {
        void operator()(sd_bus* bus) const;
    };
    explicit GaneshaBus(sd_bus* bus) : bus_(bus) {}
    Result<void> wait_for_server(const std::string& socket, std::chrono::steady_clock::time_point deadline);
    Result<void> load(const char* method, const std::string& file, std::uint16_t export_id);

    std::unique_ptr<sd_bus, Closer> bus_;
};

}  // namespace stowage::nfs
