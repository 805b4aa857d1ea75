// Directory listings as streams: each line leaves as it is read, so that a million names need no memory.
// Runs in: worker, on the transfer and file threads. Distrusts: depth, number and names of what is listed.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <string_view>

#include "ftps/worker/lab_view.hpp"
#include "ftps/worker/listing_lines.hpp"

namespace stowage::ftps {

/// Directories below the first that LIST -R still shows, and their number: a loop of pods' making ends there.
inline constexpr unsigned max_list_depth = 32;
inline constexpr unsigned max_list_directories = 20000;

enum class ListForm { long_lines, names, facts };

struct ListRequest {
    ListForm form = ListForm::long_lines;
    std::string path;     ///< canonical, of a directory or a file
    std::string pattern;  ///< fnmatch(3) on the names, or empty
    std::string prefix;   ///< NLST: what stands in front of each name, as the user wrote it
    std::string owner;    ///< the lab's name
    unsigned facts = default_facts;
    bool recursive = false;                            ///< LIST -R
    bool itself = false;                               ///< LIST -d
    unsigned most_directories = max_list_directories;  ///< LIST -R
};

/// Takes a line with its CR LF; answers false to end the listing.
using LineSink = std::function<bool(std::string_view)>;

/// Splits a last component with wildcards off, when nothing has that very name.
ListRequest request_for(const LabView& view, ListRequest request);

/// Blocks. The error of the first directory; deeper ones that are gone or may not be read are left out.
/// Code::io at the end of a recursive listing that was cut at the bounds above, or of which another directory
/// could not be read: nobody shall take it for the whole.
/// @param aborted ends it at the next name, also where none fits the pattern; may be null
Result<void> list(const LabView& view, const ListRequest& request, const LineSink& sink,
                  const std::atomic<bool>* aborted = nullptr);

}  // namespace stowage::ftps
