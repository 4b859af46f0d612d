#pragma once

#include <sqlite3.h>

#include <string>

namespace meridian::control {

// SQLite's own file system with a failure at one chosen operation: from the `fail_at`th write, truncation or
// fsync on (counted from 1), each fails with `code`. Registered under name() while it lives; one at a time.
class FailingVfs {
 public:
  FailingVfs();
  ~FailingVfs();
  FailingVfs(const FailingVfs&) = delete;
  FailingVfs& operator=(const FailingVfs&) = delete;

  const std::string& name() const { return name_; }
  void fail_from(long operation, int code) { fail_at_ = operation, code_ = code; }
  void heal() { fail_at_ = 0; }
  long operations() const { return operations_; }
  // What the next operation is to return.
  int next() { return ++operations_ >= fail_at_ && fail_at_ > 0 ? code_ : SQLITE_OK; }
  sqlite3_vfs* below() const { return below_; }

 private:
  const std::string name_ = "failing";
  sqlite3_vfs* const below_;
  sqlite3_vfs vfs_;
  long operations_ = 0;
  long fail_at_ = 0;
  int code_ = SQLITE_OK;
};

}  // namespace meridian::control
