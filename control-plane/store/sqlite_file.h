#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control-plane/log/store.h"

struct sqlite3;

namespace meridian::control {

// The log in one SQLite database (WAL, synchronous=FULL): what append() has acknowledged survives a crash and
// a loss of power. The process that has it open has it alone. Each entry carries a checksum, which is looked
// at whenever it is read. Blocking; one thread at a time.
//
// A disk that is full refuses the append and leaves everything as it was; appends work again when there is
// room. When a write or fsync fails in any other way, nobody knows what of it will reach the disk: from then
// on every call fails with the sentence that says so, until the file is opened again.
class SqliteFile {
 public:
  // Creates it if it is not there (its folder has to be), for its owner alone to read. Checks it whole
  // otherwise: SQLite's own integrity check, and that no entry is missing. `vfs` is SQLite's name of a file
  // system; empty: the machine's.
  [[nodiscard]] static Result<std::unique_ptr<SqliteFile>> open(const std::string& path,
                                                                const std::string& vfs = "");
  ~SqliteFile();
  SqliteFile(const SqliteFile&) = delete;
  SqliteFile& operator=(const SqliteFile&) = delete;

  // As the functions of Store; done when they return.
  Appended append(const Head& after, const std::vector<Entry>& entries);
  [[nodiscard]] Result<std::vector<Entry>> read(std::uint64_t after, std::size_t most);
  [[nodiscard]] Result<Head> head() const;
  [[nodiscard]] Result<void> compact(const Base& base);
  [[nodiscard]] Result<std::optional<Base>> load_base();
  [[nodiscard]] Result<Head> restore(const std::optional<Base>& base, std::uint64_t epoch);
  // The next epoch; nobody else can have the file, so the lease is always free.
  [[nodiscard]] Result<std::uint64_t> next_epoch();

 private:
  class Statement;
  class Transaction;
  struct Close {
    void operator()(sqlite3* database) const;
  };

  explicit SqliteFile(std::string path) : path_(std::move(path)) {}
  Result<void> open_database(const std::string& vfs);
  Result<void> set_up();
  Result<void> check_identity();
  Result<void> load_head();
  Result<void> run(std::string_view sql);
  Result<std::string> ask(std::string_view sql);
  Result<void> store_head(const Head& head);
  Result<void> store_base(const Base& base);
  // The error that SQLite has just had, as a sentence; notes one that the file does not survive.
  Failure failed(std::string_view doing);
  Result<void> usable() const;

  std::string path_;
  std::unique_ptr<sqlite3, Close> database_;
  Head head_;
  std::string broken_;  // not empty: why nothing works any more
};

}  // namespace meridian::control
