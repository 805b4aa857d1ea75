// Where a file of a backup lies or shall lie, and whose it is there.
// Runs in: CLI (as root). Distrusts: links that are not root's.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "gateway/base/atomic_file.hpp"
#include "gateway/base/result.hpp"

namespace stowage::cli {

/// The checksum as sha256sum(1) prints it.
std::string sha256_of(std::string_view bytes);

/// The file itself: links are followed, also to what is not there yet, for an ACME client will not have a
/// plain file in a link's place. Code::denied for a link that is neither root's nor its file's owner's: it
/// could name anything. Code::config for what is there and is no file.
Result<std::string> behind_links(const std::string& path);

/// Owner and mode that a file gets. What is there keeps its own, but nobody else than owner and group is left
/// in a secret's, and the group cannot write there.
/// @param owner of one that is not there yet, and, by its mode, whether it is a secret. A PEM text that holds
/// more than certificates is one whatever that mode says
FileOwner owner_in_place(const std::string& path, const FileOwner& owner, std::string_view bytes);

/// Whether the file is there with these bytes, this owner and mode.
bool is_as_meant(const std::string& path, const FileOwner& owner, std::string_view bytes);

/// Two names of a backup may have one place, a PEM file with chain and key, if both are the same.
class TakenPlaces {
  public:
    /// False if it is taken by a name that has the same bytes, Code::differs if by one that has others.
    Result<bool> take(const std::string& path, const std::string& name, std::string_view bytes);

  private:
    struct Holder {
        std::string name, digest;
    };
    std::map<std::string, Holder> holders_ = {};
};

}  // namespace stowage::cli
