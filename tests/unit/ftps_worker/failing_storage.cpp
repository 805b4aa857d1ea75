// The whole test program's readdir(3), fstatat(2), fsync(2) and syncfs(2).
// Runs in: tests only.
#include "tests/unit/ftps_worker/failing_storage.hpp"

#include <dirent.h>
#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <utility>

namespace stowage::ftps {

namespace {

std::atomic<FailingStorage*> failing{nullptr};

template <typename Call>
Call* next_one(const char* name) {
    return reinterpret_cast<Call*>(::dlsym(RTLD_NEXT, name));
}

template <typename Of>
bool fails_now(const Of& what, int FailingStorage::Calls::*call) {
    auto* storage = failing.load();
    if (!storage || !storage->fails(what, call)) return false;
    errno = EIO;
    return true;
}

}  // namespace

FailingStorage::FailingStorage(std::string ending, Calls calls, int spared)
    : ending_(std::move(ending)), left_(calls), spared_(spared) {
    failing = this;
}
FailingStorage::~FailingStorage() {
    failing = nullptr;
}

bool FailingStorage::fails(int descriptor, int Calls::*call) {
    if (left_.*call == 0) return false;
    std::error_code none;
    const auto path =
        std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(descriptor), none).string();
    return fails(std::string_view(path), call);
}

bool FailingStorage::fails(std::string_view path, int Calls::*call) {
    if (left_.*call == 0 || !path.ends_with(ending_) || spared_-- > 0) return false;
    --(left_.*call);
    return true;
}

}  // namespace stowage::ftps

using stowage::ftps::FailingStorage;

extern "C" {

dirent* readdir(DIR* directory) {
    static auto* const real = stowage::ftps::next_one<dirent*(DIR*)>("readdir");
    return stowage::ftps::fails_now(::dirfd(directory), &FailingStorage::Calls::readdir) ? nullptr
                                                                                         : real(directory);
}

int fstatat(int directory, const char* name, struct stat* seen, int flags) noexcept {
    static auto* const real = stowage::ftps::next_one<int(int, const char*, struct stat*, int)>("fstatat");
    return stowage::ftps::fails_now(std::string_view(name), &FailingStorage::Calls::fstatat)
               ? -1
               : real(directory, name, seen, flags);
}

int fsync(int file) {
    static auto* const real = stowage::ftps::next_one<int(int)>("fsync");
    return stowage::ftps::fails_now(file, &FailingStorage::Calls::fsync) ? -1 : real(file);
}

int syncfs(int file) noexcept {
    static auto* const real = stowage::ftps::next_one<int(int)>("syncfs");
    return stowage::ftps::fails_now(file, &FailingStorage::Calls::syncfs) ? -1 : real(file);
}

}  // extern "C"
