// The files of a backup at the places where they go.
// Runs in: CLI (as root). Distrusts: links, as file_places.hpp says.
#pragma once

#include "gateway/cli/backup_folder.hpp"

namespace stowage::cli {

struct Placement {
    const SavedFile* saved;
    KeptFile place;
    std::string target;  ///< place.path without links
    FileOwner owner;     ///< that of the file which is there, or what a new one gets
};

/// Null if the backup has no such file.
const SavedFile* find_saved(const std::vector<SavedFile>& files, std::string_view name);

/// The database last: with it the state counts as restored. What is in one place twice is listed once.
/// Code::differs when two contents would go to one place.
/// @param with_config whether the saved configuration is put back too
Result<std::vector<Placement>> places_of(const std::vector<SavedFile>& files, const Config& config,
                                         bool with_config);

/// Code::exists when something else is there.
Result<void> check_room(const std::vector<Placement>& places);

/// Where files would go that this machine's configuration has elsewhere, in words.
/// @param all also those that it has in the same place
std::vector<std::string> other_places(const std::vector<Placement>& places, const Config& installed,
                                      bool all);

/// What is there as it shall be is not touched.
/// @param found for the controller's next start, beside its database
Result<void> put_back(const std::vector<Placement>& places, const FoundOnDisk& found);

}  // namespace stowage::cli
