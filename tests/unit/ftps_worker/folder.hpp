// A temporary lab of the test's own, without root.
// Runs in: tests only.
#pragma once

#include <fcntl.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "gateway/base/fd.hpp"

namespace stowage::ftps {

struct Folder {
    std::filesystem::path base, lab;

    Folder() {
        auto pattern = (std::filesystem::temp_directory_path() / "stowage-lab.XXXXXX").string();
        if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp");
        base = pattern;
        lab = base / "lab";
        std::filesystem::create_directory(lab);
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(base, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    Fd root() const { return Fd(::open(lab.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)); }
    /// Makes the directories above it too. `path` is absolute or below `base`.
    void write(const std::filesystem::path& path, const std::string& bytes) const {
        std::filesystem::create_directories((base / path).parent_path());
        std::ofstream(base / path) << bytes;
    }
    std::string read(const std::string& path) const {
        std::ifstream file(base / path);
        if (!file) return "(missing)";
        std::ostringstream all;
        all << file.rdbuf();
        return all.str();
    }
};

}  // namespace stowage::ftps
