#include "control-plane/store/sqlite_file.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "lib/base/hash.h"

namespace meridian::control {
namespace {

// "MERL" in the file's header, so that no other database is taken for a log.
constexpr std::int64_t kApplicationId = 0x4D45524C;
constexpr std::int64_t kFormat = 1;

constexpr std::string_view kTables =
    "CREATE TABLE log (seq INTEGER PRIMARY KEY, line BLOB NOT NULL, sum INTEGER NOT NULL);"
    "CREATE TABLE base (id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL, state BLOB NOT NULL,"
    " sum INTEGER NOT NULL);"
    "CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL, epoch INTEGER NOT NULL,"
    " first INTEGER NOT NULL);"
    "INSERT INTO head VALUES (1, 0, 0, 1);";

std::int64_t sum_of(std::string_view bytes) { return static_cast<std::int64_t>(hash_bytes(bytes)); }

}  // namespace

// One prepared statement; values are counted from 1 when bound, columns from 0.
class SqliteFile::Statement {
 public:
  Statement(sqlite3* database, std::string_view sql) {
    sqlite3_prepare_v2(database, sql.data(), static_cast<int>(sql.size()), &statement_, nullptr);
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(int at, std::uint64_t number) {
    if (statement_ != nullptr) sqlite3_bind_int64(statement_, at, static_cast<sqlite3_int64>(number));
    return *this;
  }
  Statement& bind(int at, std::string_view bytes) {
    if (statement_ != nullptr)
      sqlite3_bind_blob64(statement_, at, bytes.data(), bytes.size(), SQLITE_TRANSIENT);
    return *this;
  }
  int step() { return statement_ == nullptr ? SQLITE_ERROR : sqlite3_step(statement_); }
  void reset() {
    if (statement_ != nullptr) sqlite3_reset(statement_);
  }
  std::uint64_t number(int at) const {
    return static_cast<std::uint64_t>(sqlite3_column_int64(statement_, at));
  }
  std::string_view bytes(int at) const {
    const void* const data = sqlite3_column_blob(statement_, at);
    return {static_cast<const char*>(data), static_cast<std::size_t>(sqlite3_column_bytes(statement_, at))};
  }

 private:
  sqlite3_stmt* statement_ = nullptr;
};

// Rolls back what was not committed.
class SqliteFile::Transaction {
 public:
  explicit Transaction(SqliteFile& file) : file_(file) {}
  ~Transaction() {
    if (sqlite3_get_autocommit(file_.database_.get()) == 0)
      sqlite3_exec(file_.database_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  Result<void> begin() { return file_.run("BEGIN IMMEDIATE"); }
  Result<void> commit() { return file_.run("COMMIT"); }

 private:
  SqliteFile& file_;
};

void SqliteFile::Close::operator()(sqlite3* database) const { sqlite3_close(database); }

SqliteFile::~SqliteFile() = default;

Result<std::unique_ptr<SqliteFile>> SqliteFile::open(const std::string& path, const std::string& vfs) {
  std::unique_ptr<SqliteFile> file(new SqliteFile(path));
  if (const auto opened = file->open_database(vfs); !opened) return Failure(opened.error());
  for (const auto step : {&SqliteFile::set_up, &SqliteFile::check_identity, &SqliteFile::load_head}) {
    if (const auto done = (*file.*step)(); !done) return Failure(done.error());
  }
  return file;
}

Result<void> SqliteFile::open_database(const std::string& vfs) {
  // SQLite would create it for everybody to read.
  const int fd = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail(ErrorCode::kIo, ErrorSource::kOperator,
                path_ + ": cannot be opened: " + std::strerror(errno));
  ::close(fd);
  sqlite3* database = nullptr;
  const int opened = sqlite3_open_v2(path_.c_str(), &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                                     vfs.empty() ? nullptr : vfs.c_str());
  database_.reset(database);
  if (opened != SQLITE_OK) return failed("opening it");
  sqlite3_extended_result_codes(database_.get(), 1);
  if (sqlite3_db_readonly(database_.get(), "main") != 0)
    return fail(ErrorCode::kIo, ErrorSource::kOperator, path_ + ": may only be read");
  return {};
}

Result<void> SqliteFile::set_up() {
  for (const std::string_view sql :
       {"PRAGMA locking_mode=EXCLUSIVE", "PRAGMA cell_size_check=ON", "PRAGMA trusted_schema=OFF"}) {
    if (auto done = run(sql); !done) return done;
  }
  const Result<std::string> mode = ask("PRAGMA journal_mode=WAL");
  if (!mode) return Failure(mode.error());
  if (*mode != "wal")
    return fail(ErrorCode::kIo, ErrorSource::kOperator,
                path_ + ": this file system allows no write-ahead log");
  return run("PRAGMA synchronous=FULL");
}

Result<void> SqliteFile::check_identity() {
  const Result<std::string> identity = ask("PRAGMA application_id");
  const Result<std::string> format = identity ? ask("PRAGMA user_version") : identity;
  const Result<std::string> tables = format ? ask("SELECT count(*) FROM sqlite_schema") : format;
  if (!tables) return Failure(tables.error());
  if (*identity == "0" && *tables == "0") {
    Transaction transaction(*this);
    if (auto begun = transaction.begin(); !begun) return begun;
    const std::string sql = std::string(kTables) + "PRAGMA application_id=" + std::to_string(kApplicationId) +
                            ";PRAGMA user_version=" + std::to_string(kFormat);
    if (auto made = run(sql); !made) return made;
    return transaction.commit();
  }
  if (*identity != std::to_string(kApplicationId))
    return fail(ErrorCode::kInvalid, ErrorSource::kOperator, path_ + ": is no log of a control plane");
  if (*format != std::to_string(kFormat))
    return fail(ErrorCode::kInvalid, ErrorSource::kOperator,
                path_ + ": is of format " + *format + ", which this version does not know");
  const Result<std::string> check = ask("PRAGMA integrity_check(1)");
  if (!check) return Failure(check.error());
  if (*check != "ok")
    return fail(ErrorCode::kInvalid, ErrorSource::kOperator, path_ + ": is damaged: " + *check);
  return {};
}

Result<void> SqliteFile::load_head() {
  Statement found(database_.get(), "SELECT seq, epoch, first FROM head WHERE id = 1");
  if (found.step() != SQLITE_ROW) return failed("reading where the log ends");
  head_ = {found.number(0), found.number(1), found.number(2)};
  Statement held(database_.get(), "SELECT count(*), coalesce(min(seq), 0), coalesce(max(seq), 0) FROM log");
  if (held.step() != SQLITE_ROW) return failed("counting entries");
  const std::uint64_t count = held.number(0);
  const bool is_whole = count == head_.seq + 1 - head_.first &&
                        (count == 0 || (held.number(1) == head_.first && held.number(2) == head_.seq));
  if (!is_whole)
    return fail(ErrorCode::kInvalid, ErrorSource::kOperator, path_ + ": is damaged: entries are missing");
  if (head_.first == 1) return {};
  const Result<std::optional<Base>> base = load_base();
  if (!base) return Failure(base.error());
  if (!*base || (*base)->seq + 1 != head_.first)
    return fail(ErrorCode::kInvalid, ErrorSource::kOperator, path_ + ": is damaged: its base is missing");
  return {};
}

Failure SqliteFile::failed(std::string_view doing) {
  const int code = sqlite3_extended_errcode(database_.get()) & 0xFF;
  std::string sentence = path_ + ": " + std::string(doing) + " failed: ";
  if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
    sentence += "another process has it open";
  } else {
    sentence += sqlite3_errmsg(database_.get());
  }
  if (const int error = sqlite3_system_errno(database_.get()); error != 0 && code != SQLITE_BUSY)
    sentence.append(" (").append(std::strerror(error)).append(")");
  // Without an fsync that has returned, no later one tells what became of the pages before it.
  if (code == SQLITE_IOERR || code == SQLITE_CORRUPT || code == SQLITE_NOTADB) broken_ = sentence;
  return fail(ErrorCode::kUnavailable, ErrorSource::kOperator, std::move(sentence));
}

Result<void> SqliteFile::usable() const {
  if (broken_.empty()) return {};
  return fail(ErrorCode::kUnavailable, ErrorSource::kOperator,
              broken_ + "; nothing is read or written until it is opened again");
}

Result<void> SqliteFile::run(std::string_view sql) {
  if (sqlite3_exec(database_.get(), std::string(sql).c_str(), nullptr, nullptr, nullptr) == SQLITE_OK)
    return {};
  return failed(sql.substr(0, sql.find_first_of(" ;=")));
}

Result<std::string> SqliteFile::ask(std::string_view sql) {
  Statement statement(database_.get(), sql);
  if (statement.step() != SQLITE_ROW) return failed(sql);
  return std::string(statement.bytes(0));
}

Result<void> SqliteFile::store_head(const Head& head) {
  Statement update(database_.get(), "UPDATE head SET seq = ?, epoch = ?, first = ? WHERE id = 1");
  update.bind(1, head.seq).bind(2, head.epoch).bind(3, head.first);
  if (update.step() != SQLITE_DONE) return failed("noting where the log ends");
  return {};
}

Appended SqliteFile::append(const Head& after, const std::vector<Entry>& entries) {
  const auto unavailable = [](const Error& error) {
    return Appended{AppendEnd::kUnavailable, {}, error.context};
  };
  if (const auto ok = usable(); !ok) return unavailable(ok.error());
  if (after.epoch != head_.epoch) return {AppendEnd::kFenced, head_, ""};
  if (after.seq != head_.seq) return {AppendEnd::kConflict, head_, ""};
  Transaction transaction(*this);
  if (const auto begun = transaction.begin(); !begun) return unavailable(begun.error());
  Statement insert(database_.get(), "INSERT INTO log VALUES (?, ?, ?)");
  for (const Entry& entry : entries) {
    const std::string line = serialize(entry);
    insert.bind(1, entry.seq).bind(2, line).bind(3, static_cast<std::uint64_t>(sum_of(line)));
    if (insert.step() != SQLITE_DONE) return unavailable(failed("appending").value());
    insert.reset();
  }
  const Head grown{head_.seq + entries.size(), head_.epoch, head_.first};
  if (const auto stored = store_head(grown); !stored) return unavailable(stored.error());
  if (const auto committed = transaction.commit(); !committed) return unavailable(committed.error());
  head_ = grown;
  return {AppendEnd::kAppended, head_, ""};
}

Result<std::vector<Entry>> SqliteFile::read(std::uint64_t after, std::size_t most) {
  if (const auto ok = usable(); !ok) return Failure(ok.error());
  if (after >= head_.seq) return std::vector<Entry>();
  if (after + 1 < head_.first)
    return fail(ErrorCode::kNotFound, ErrorSource::kClient,
                "entries up to " + std::to_string(head_.first - 1) + " have been compacted");
  Statement select(database_.get(), "SELECT line, sum, seq FROM log WHERE seq > ? ORDER BY seq LIMIT ?");
  select.bind(1, after).bind(2, most);
  std::vector<Entry> entries;
  std::size_t bytes = 0;
  while (bytes < Store::kMostAppendBytes) {
    const int stepped = select.step();
    if (stepped == SQLITE_DONE) break;
    if (stepped != SQLITE_ROW) return failed("reading");
    const std::string_view line = select.bytes(0);
    Result<Entry> entry = parse_entry(line);
    const bool is_right = sum_of(line) == static_cast<std::int64_t>(select.number(1)) && entry &&
                          entry->seq == select.number(2);
    if (!is_right) {
      broken_ =
          path_ + ": is damaged: entry " + std::to_string(select.number(2)) + " is not what was written";
      return Failure(usable().error());
    }
    bytes += line.size();
    entries.push_back(*std::move(entry));
  }
  return entries;
}

Result<Head> SqliteFile::head() const {
  if (const auto ok = usable(); !ok) return Failure(ok.error());
  return head_;
}

Result<void> SqliteFile::store_base(const Base& base) {
  Statement replace(database_.get(), "INSERT OR REPLACE INTO base VALUES (1, ?, ?, ?)");
  replace.bind(1, base.seq).bind(2, base.state).bind(3, static_cast<std::uint64_t>(sum_of(base.state)));
  if (replace.step() != SQLITE_DONE) return failed("storing a base");
  return {};
}

Result<Head> SqliteFile::restore(const std::optional<Base>& base, std::uint64_t epoch) {
  if (const auto ok = usable(); !ok) return Failure(ok.error());
  if (head_ != Head()) return fail(ErrorCode::kRefused, ErrorSource::kOperator, path_ + ": is not empty");
  Transaction transaction(*this);
  if (const auto begun = transaction.begin(); !begun) return Failure(begun.error());
  const Head head = base ? Head{base->seq, epoch, base->seq + 1} : Head{0, epoch, 1};
  if (base) {
    if (const auto stored = store_base(*base); !stored) return Failure(stored.error());
  }
  if (const auto stored = store_head(head); !stored) return Failure(stored.error());
  if (const auto committed = transaction.commit(); !committed) return Failure(committed.error());
  head_ = head;
  return head;
}

Result<void> SqliteFile::compact(const Base& base) {
  if (auto ok = usable(); !ok) return ok;
  if (base.seq < head_.first || base.seq > head_.seq) return {};
  Transaction transaction(*this);
  if (auto begun = transaction.begin(); !begun) return begun;
  if (auto stored = store_base(base); !stored) return stored;
  Statement drop(database_.get(), "DELETE FROM log WHERE seq <= ?");
  if (drop.bind(1, base.seq).step() != SQLITE_DONE) return failed("dropping entries");
  const Head shorter{head_.seq, head_.epoch, base.seq + 1};
  if (auto stored = store_head(shorter); !stored) return stored;
  if (auto committed = transaction.commit(); !committed) return committed;
  head_ = shorter;
  return {};
}

Result<std::optional<Base>> SqliteFile::load_base() {
  if (const auto ok = usable(); !ok) return Failure(ok.error());
  Statement select(database_.get(), "SELECT seq, state, sum FROM base WHERE id = 1");
  const int stepped = select.step();
  if (stepped == SQLITE_DONE) return std::optional<Base>();
  if (stepped != SQLITE_ROW) return failed("reading the base");
  Base base{select.number(0), std::string(select.bytes(1))};
  if (sum_of(base.state) != static_cast<std::int64_t>(select.number(2))) {
    broken_ = path_ + ": is damaged: its base is not what was written";
    return Failure(usable().error());
  }
  return std::optional<Base>(std::move(base));
}

Result<std::uint64_t> SqliteFile::next_epoch() {
  if (const auto ok = usable(); !ok) return Failure(ok.error());
  const Head next{head_.seq, head_.epoch + 1, head_.first};
  if (const auto stored = store_head(next); !stored) return Failure(stored.error());
  head_ = next;
  return head_.epoch;
}

}  // namespace meridian::control
