#include "tests/control-plane/failing_vfs.h"

#include <cstring>

namespace meridian::control {
namespace {

// A file of ours: SQLite's header, who decides, and behind it the file of the file system below.
struct File {
  sqlite3_file base;
  FailingVfs* vfs;
  sqlite3_file* below() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

File* of(sqlite3_file* file) { return reinterpret_cast<File*>(file); }
sqlite3_file* below(sqlite3_file* file) { return of(file)->below(); }

int x_close(sqlite3_file* f) { return below(f)->pMethods->xClose(below(f)); }
int x_read(sqlite3_file* f, void* to, int n, sqlite3_int64 at) {
  return below(f)->pMethods->xRead(below(f), to, n, at);
}
int x_write(sqlite3_file* f, const void* from, int n, sqlite3_int64 at) {
  const int failed = of(f)->vfs->next();
  return failed != SQLITE_OK ? failed : below(f)->pMethods->xWrite(below(f), from, n, at);
}
int x_truncate(sqlite3_file* f, sqlite3_int64 size) {
  const int failed = of(f)->vfs->next();
  return failed != SQLITE_OK ? failed : below(f)->pMethods->xTruncate(below(f), size);
}
int x_sync(sqlite3_file* f, int flags) {
  const int failed = of(f)->vfs->next();
  return failed != SQLITE_OK ? failed : below(f)->pMethods->xSync(below(f), flags);
}
int x_size(sqlite3_file* f, sqlite3_int64* size) { return below(f)->pMethods->xFileSize(below(f), size); }
int x_lock(sqlite3_file* f, int level) { return below(f)->pMethods->xLock(below(f), level); }
int x_unlock(sqlite3_file* f, int level) { return below(f)->pMethods->xUnlock(below(f), level); }
int x_check(sqlite3_file* f, int* out) { return below(f)->pMethods->xCheckReservedLock(below(f), out); }
int x_control(sqlite3_file* f, int op, void* argument) {
  return below(f)->pMethods->xFileControl(below(f), op, argument);
}
int x_sector(sqlite3_file* f) { return below(f)->pMethods->xSectorSize(below(f)); }
int x_device(sqlite3_file* f) { return below(f)->pMethods->xDeviceCharacteristics(below(f)); }

// Of version 1: no shared memory, as the log locks its file for one process.
const sqlite3_io_methods kMethods = {1,       x_close,  x_read,  x_write,   x_truncate, x_sync,   x_size,
                                     x_lock,  x_unlock, x_check, x_control, x_sector,   x_device, nullptr,
                                     nullptr, nullptr,  nullptr, nullptr,   nullptr};

int x_open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  auto* const owner = static_cast<FailingVfs*>(vfs->pAppData);
  File* const opened = of(file);
  std::memset(opened, 0, sizeof(File));
  opened->vfs = owner;
  const int result = owner->below()->xOpen(owner->below(), name, opened->below(), flags, out_flags);
  if (result == SQLITE_OK) opened->base.pMethods = &kMethods;
  return result;
}

}  // namespace

FailingVfs::FailingVfs() : below_(sqlite3_vfs_find(nullptr)), vfs_(*below_) {
  vfs_.zName = name_.c_str();
  vfs_.pAppData = this;
  vfs_.pNext = nullptr;
  vfs_.szOsFile = static_cast<int>(sizeof(File)) + below_->szOsFile;
  vfs_.xOpen = x_open;
  sqlite3_vfs_register(&vfs_, 0);
}

FailingVfs::~FailingVfs() { sqlite3_vfs_unregister(&vfs_); }

}  // namespace meridian::control
