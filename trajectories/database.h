// SQLite behind three small classes: the connection, a statement that resets itself, a transaction that rolls back.
// Only trajectories/ includes sqlite3.h; PRAGMAs stand only here and in schema.cc.
// Threads: thread-compatible: one connection, one thread at a time.
// Owns: the connection and its prepared statements; statements and transactions must not outlive it.
// Errors: kResourceExhausted (disk full), kAlreadyExists (a UNIQUE rule), kDataCorrupt, kUnavailable (locked by
// others), kPermissionDenied (read-only), kNotFound (no such file), kInvalidArgument (not a database), kIo. Text: what
// was tried, on what.
// Source: sqlite.org/wal.html, /pragma.html, /rescode.html; SQLite >= 3.37 (STRICT).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/sha256.h"

struct sqlite3;
struct sqlite3_stmt;

namespace passnet::trajectories {

// One use of a prepared statement. Bind errors surface at the next Step. Columns count from 0, parameters from 1.
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  // Bound bytes are copied. An empty optional binds NULL.
  Statement& Bind(int parameter, int64_t value);
  Statement& Bind(int parameter, std::string_view text);
  Statement& Bind(int parameter, const std::optional<int64_t>& value);
  Statement& Bind(int parameter, const std::optional<double>& value);
  Statement& Bind(int parameter, const Sha256Digest& digest);
  Statement& BindBytes(int parameter, std::string_view bytes);
  Statement& BindNull(int parameter);

  // True: a row is there. False: done.
  Result<bool> Step();
  // For statements without rows.
  Status Run();
  // Ready for other parameters.
  void Reset();

  int64_t Int64(int column) const;
  std::optional<int64_t> OptionalInt64(int column) const;
  std::optional<double> OptionalDouble(int column) const;
  std::string Text(int column) const;   // also for BLOB columns: the bytes
  bool IsNull(int column) const;
  // kDataCorrupt when the column does not hold 32 bytes.
  Result<Sha256Digest> Digest(int column) const;

 private:
  friend class Database;
  struct Slot {
    sqlite3_stmt* handle = nullptr;
    std::string sql;
    bool in_use = false;
  };
  Statement(sqlite3* connection, Slot* slot) : connection_(connection), slot_(slot) {}
  void Note(int rc);

  sqlite3* connection_;
  Slot* slot_;
  int bind_error_ = 0;
};

struct DatabaseOptions {
  std::string path;
  bool read_only = true;  // false: created when missing
  std::string vfs;        // empty: SQLite's default
  // For a lock that another process holds. Chosen: readers and the writer do not block one another in WAL; only recovery
  // and checkpoints take short locks.
  int busy_ms = 5000;
  // Once it is requested nobody waits for such a lock any longer, a wait that is under way included.
  std::stop_token hurry = {};
};

class Database {
 public:
  // Sets WAL, foreign keys, synchronous=FULL and a busy time-out. Says nothing about the schema (schema.h).
  static Result<std::unique_ptr<Database>> Open(const DatabaseOptions& options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // From the cache when the same text was prepared before.
  Result<Statement> Prepare(std::string_view sql);
  // Any number of statements without parameters; rows are dropped.
  Status Execute(const std::string& sql);

  // "ok", or the first damage that SQLite itself sees in its pages and indexes.
  Result<std::string> QuickCheck();

  // False after an error that made SQLite roll back by itself.
  bool InTransaction() const;
  // True when the latest error was damage that SQLite itself saw in its pages.
  bool LastErrorWasCorruption() const;
  // Moves committed pages from the WAL into the file when the WAL holds at least `pages` of them.
  Status CheckpointAbove(int pages);
  // Moves all of them and waits until the file itself is on the disk. kUnavailable while a reader holds some of them.
  Status CheckpointAll();
  // Closing then leaves the WAL as it lies, instead of moving it into the file.
  void LeaveLogOnClose();

  const std::string& path() const { return path_; }

 private:
  // SQLite waits for another process's lock by this, and retries while it says so.
  struct LockWait {
    Nanos limit;
    std::stop_token hurry;
    SteadyTime began;
    bool GoesOn(int tries);
  };
  Database(const DatabaseOptions& options, sqlite3* connection)
      : path_(options.path), connection_(connection), lock_wait_{Millis(options.busy_ms), options.hurry, {}} {}
  Status Configure(const DatabaseOptions& options);

  const std::string path_;
  sqlite3* connection_;
  LockWait lock_wait_;
  int wal_pages_ = 0;  // after the latest commit, by SQLite's WAL hook
  std::vector<std::unique_ptr<Statement::Slot>> slots_;
};

// BEGIN IMMEDIATE … COMMIT; the destructor rolls back what was not committed.
class Transaction {
 public:
  static Result<Transaction> Begin(Database* database);
  // A deferred one, for a consistent view of many reads.
  static Result<Transaction> BeginRead(Database* database);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  Status Commit();

 private:
  explicit Transaction(Database* database) : database_(database) {}
  Database* database_;
};

}  // namespace passnet::trajectories
