// What FTPS users see: the lab's files, with partials standing in for their names.
// Runs in: worker, on the file threads. Distrusts: names and types of what peers made over NFS.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "ftps/worker/lab_files.hpp"
#include "ftps/worker/partials.hpp"

namespace stowage::ftps {

/// One name of a directory.
struct Seen {
    std::string name;
    struct stat stat {};
    std::string link_target = {};              ///< of a symbolic link
    int parent_rights = R_OK | W_OK | X_OK;    ///< LabFiles::rights() of its directory
    std::optional<std::int64_t> created = {};  ///< creation_time(), where it was asked for
};

/// All members may block and are safe from several threads. Paths are LabFiles::locate()'s.
class LabView {
  public:
    enum class Removed { file, partial };

    LabView(LabFiles& files, Partials& partials) : files_(files), partials_(partials) {}

    /// A peer may give a file a name with CR or LF, which no command can hold; listings show '?' there. The
    /// path of what exists as `path`, else of the one name that is shown so; `path` itself if there is none.
    /// Code::denied when several are shown alike.
    Result<std::string> known_as(const std::string& path) const;
    /// Follows links; a partial comes before the complete file of its name.
    Result<struct stat> stat(const std::string& path) const;
    /// As one name among others: a link stays a link.
    /// @param dated with the time of creation; a partial has none, for its file is not made yet
    Result<Seen> look(const std::string& path, bool dated = false) const;
    Result<Fd> open_for_reading(const std::string& path) const;
    /// A partial if there is one; the complete file of its name stays then, and shows again.
    Result<Removed> remove_file(const std::string& path) const;
    /// Code::exists when unfinished uploads would lose their directory.
    Result<void> remove_directory(const std::string& path) const;
    Result<void> rename(const std::string& from, const std::string& to) const;
    /// Calls `visit` for each name as it is read, in no order, until it answers false.
    /// @param dated as of look()
    Result<void> each_child(const std::string& path, const std::function<bool(const Seen&)>& visit,
                            bool dated = false) const;

  private:
    Result<std::string> shown_as(const std::string& directory, const std::string& name) const;

    LabFiles& files_;
    Partials& partials_;
};

}  // namespace stowage::ftps
