#include "tests/trajectories/fault_vfs.h"

#include <sqlite3.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <limits>

namespace passnet::trajectories {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

std::atomic<int64_t> writes_done{0};
std::atomic<int64_t> syncs_done{0};
std::atomic<int64_t> reads_begun{0};
std::atomic<int64_t> writes_allowed{kNever};
std::atomic<int64_t> syncs_allowed{kNever};
std::atomic<int64_t> reads_allowed{kNever};

sqlite3_vfs* Real() { return sqlite3_vfs_find("unix"); }

// SQLite allocates szOsFile bytes for each file: ours, with the real one right behind it.
struct File {
  sqlite3_file base;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

sqlite3_file* RealOf(sqlite3_file* file) { return reinterpret_cast<File*>(file)->real(); }

template <auto Method, typename... Args>
int Forward(sqlite3_file* file, Args... args) {
  sqlite3_file* real = RealOf(file);
  return (real->pMethods->*Method)(real, args...);
}

std::atomic<bool> read_only{false};
std::string& FullFlag() {
  static std::string* file = new std::string;  // leaked: databases may be closed while statics are destroyed
  return *file;
}
bool IsFull() { return !FullFlag().empty() && ::access(FullFlag().c_str(), F_OK) == 0; }

int Write(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset) {
  if (read_only) {
    errno = EROFS;
    return SQLITE_IOERR_WRITE;
  }
  if (++writes_done > writes_allowed || IsFull()) return SQLITE_FULL;
  return Forward<&sqlite3_io_methods::xWrite>(file, bytes, count, offset);
}

int Sync(sqlite3_file* file, int flags) {
  if (++syncs_done > syncs_allowed) return SQLITE_IOERR_FSYNC;
  return Forward<&sqlite3_io_methods::xSync>(file, flags);
}

// In WAL mode a transaction begins by taking a shared lock of a read mark.
int ShmLock(sqlite3_file* file, int offset, int count, int flags) {
  const bool begins = flags == (SQLITE_SHM_LOCK | SQLITE_SHM_SHARED);
  if (begins && ++reads_begun > reads_allowed) return SQLITE_IOERR_SHMLOCK;
  return Forward<&sqlite3_io_methods::xShmLock>(file, offset, count, flags);
}

void ShmBarrier(sqlite3_file* file) { RealOf(file)->pMethods->xShmBarrier(RealOf(file)); }

// Version 2: shared memory (WAL needs it) but no memory-mapped reads.
const sqlite3_io_methods kMethods = {
    2,
    &Forward<&sqlite3_io_methods::xClose>,
    &Forward<&sqlite3_io_methods::xRead, void*, int, sqlite3_int64>,
    &Write,
    &Forward<&sqlite3_io_methods::xTruncate, sqlite3_int64>,
    &Sync,
    &Forward<&sqlite3_io_methods::xFileSize, sqlite3_int64*>,
    &Forward<&sqlite3_io_methods::xLock, int>,
    &Forward<&sqlite3_io_methods::xUnlock, int>,
    &Forward<&sqlite3_io_methods::xCheckReservedLock, int*>,
    &Forward<&sqlite3_io_methods::xFileControl, int, void*>,
    &Forward<&sqlite3_io_methods::xSectorSize>,
    &Forward<&sqlite3_io_methods::xDeviceCharacteristics>,
    &Forward<&sqlite3_io_methods::xShmMap, int, int, int, void volatile**>,
    &ShmLock,
    &ShmBarrier,
    &Forward<&sqlite3_io_methods::xShmUnmap, int>,
    nullptr,
    nullptr,
};

int Open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  sqlite3_file* real = RealOf(file);
  file->pMethods = nullptr;
  int rc = Real()->xOpen(Real(), name, real, flags, out_flags);
  if (real->pMethods != nullptr) file->pMethods = &kMethods;
  return rc;
}

}  // namespace

FaultVfs& FaultVfs::Get() {
  static FaultVfs vfs;
  return vfs;
}

FaultVfs::FaultVfs() {
  static sqlite3_vfs shim = *Real();
  shim.zName = kName;
  shim.szOsFile = static_cast<int>(sizeof(File)) + Real()->szOsFile;
  shim.pNext = nullptr;
  shim.xOpen = &Open;
  sqlite3_vfs_register(&shim, 0);
}

void FaultVfs::FullWhile(const std::string& file) {
  FullFlag() = file;
  sqlite3_vfs_register(sqlite3_vfs_find(kName), 1);
}

void FaultVfs::FullAfterWrites(int64_t count) { writes_allowed = writes_done + count; }
void FaultVfs::SyncsFailAfter(int64_t count) { syncs_allowed = syncs_done + count; }
void FaultVfs::ReadsFailAfter(int64_t count) { reads_allowed = reads_begun + count; }

void FaultVfs::ReadOnly() { read_only = true; }

void FaultVfs::Heal() {
  read_only = false;
  writes_allowed = kNever;
  syncs_allowed = kNever;
  reads_allowed = kNever;
}

int64_t FaultVfs::writes() const { return writes_done; }
int64_t FaultVfs::syncs() const { return syncs_done; }

}  // namespace passnet::trajectories
