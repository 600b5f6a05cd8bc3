#include "trajectories/database.h"

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <thread>
#include <utility>

#include "base/check.h"
#include "base/log.h"

namespace passnet::trajectories {
namespace {

// 2^6 ms between two tries for a lock at most: how soon a hurry is noticed, and near what SQLite's own handler takes.
constexpr int kLongestTurn = 6;

// What the system said behind an input or output error; 0 for every other result.
int SystemErrorOf(int rc, sqlite3* connection) {
  bool from_system = (rc & 0xFF) == SQLITE_IOERR || (rc & 0xFF) == SQLITE_CANTOPEN;
  return from_system && connection != nullptr ? sqlite3_system_errno(connection) : 0;
}

bool DiskIsFull(int rc, sqlite3* connection) {
  if ((rc & 0xFF) == SQLITE_FULL) return true;
  int err = SystemErrorOf(rc, connection);
  return err == ENOSPC || err == EDQUOT;
}

bool DiskIsReadOnly(int rc, sqlite3* connection) {
  if ((rc & 0xFF) == SQLITE_READONLY) return true;
  int err = SystemErrorOf(rc, connection);
  return err == EROFS || err == EACCES || err == EPERM;
}

ErrorCode CodeOf(int rc, sqlite3* connection) {
  if (DiskIsFull(rc, connection)) return ErrorCode::kResourceExhausted;
  if (DiskIsReadOnly(rc, connection)) return ErrorCode::kPermissionDenied;
  switch (rc & 0xFF) {
    case SQLITE_CONSTRAINT:
      return rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY ? ErrorCode::kAlreadyExists
                                                                                  : ErrorCode::kInternal;
    case SQLITE_CORRUPT:
      return ErrorCode::kDataCorrupt;
    case SQLITE_NOTADB:
      return ErrorCode::kInvalidArgument;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorCode::kUnavailable;
    case SQLITE_NOMEM:
      return ErrorCode::kResourceExhausted;
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return ErrorCode::kPermissionDenied;
    case SQLITE_ERROR:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
      return ErrorCode::kInternal;
    default:
      return ErrorCode::kIo;
  }
}

Error SqliteError(sqlite3* connection, int rc, std::string_view what) {
  std::string text = "journal " + std::string(sqlite3_db_filename(connection, "main")) + ": " + std::string(what) +
                     ": " + sqlite3_errmsg(connection);
  if (int err = SystemErrorOf(rc, connection); err != 0) {
    text += " (" + Error::FromErrno("system", "", err).context + ")";
  }
  if (DiskIsFull(rc, connection)) text += "; nothing of this append was written, free disk space and retry";
  return {CodeOf(rc, connection), std::move(text)};
}

// What SQLite says beside its result codes. Refusals (a missing file, a broken rule, a full disk) come back as Errors,
// and saying them twice would only hide the rest. Its messages name SQL and files, never bound values.
void LogFromSqlite(void*, int code, const char* message) {
  switch (code & 0xFF) {
    case SQLITE_NOTICE:  // recovery of a WAL after a crash
      log::Debug("trajectories", "sqlite", {{"code", int64_t{code}}, {"text", std::string(message)}});
      return;
    case SQLITE_WARNING:
    case SQLITE_CORRUPT:
    case SQLITE_IOERR:
      log::Warning("trajectories", "sqlite", {{"code", int64_t{code}}, {"text", std::string(message)}});
      return;
    default:
      return;
  }
}

void ConfigureLibraryOnce() {
  static std::once_flag once;
  std::call_once(once, [] {
    sqlite3_config(SQLITE_CONFIG_LOG, &LogFromSqlite, nullptr);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);  // nobody asks, and counting takes a lock at every allocation
  });
}

int RememberWalPages(void* pages, sqlite3*, const char*, int count) {
  *static_cast<int*>(pages) = count;
  return SQLITE_OK;
}

Error OpenError(const DatabaseOptions& options, sqlite3* connection, int rc) {
  int err = connection != nullptr ? sqlite3_system_errno(connection) : 0;
  if (err != 0) return Error::FromErrno("open journal", options.path, err);
  return {CodeOf(rc, connection), "open journal " + options.path + ": " + sqlite3_errstr(rc)};
}

}  // namespace

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_), slot_(std::exchange(other.slot_, nullptr)), bind_error_(other.bind_error_) {}

Statement::~Statement() {
  if (slot_ == nullptr) return;
  Reset();
  slot_->in_use = false;
}

void Statement::Note(int rc) {
  if (rc != SQLITE_OK && bind_error_ == SQLITE_OK) bind_error_ = rc;
}

Statement& Statement::Bind(int parameter, int64_t value) {
  Note(sqlite3_bind_int64(slot_->handle, parameter, value));
  return *this;
}

Statement& Statement::Bind(int parameter, std::string_view text) {
  // A null pointer would bind NULL.
  const char* data = text.data() != nullptr ? text.data() : "";
  Note(sqlite3_bind_text64(slot_->handle, parameter, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}

Statement& Statement::Bind(int parameter, const std::optional<int64_t>& value) {
  return value ? Bind(parameter, *value) : BindNull(parameter);
}

Statement& Statement::Bind(int parameter, const std::optional<double>& value) {
  if (!value) return BindNull(parameter);
  Note(sqlite3_bind_double(slot_->handle, parameter, *value));
  return *this;
}

Statement& Statement::Bind(int parameter, const Sha256Digest& digest) {
  return BindBytes(parameter, {reinterpret_cast<const char*>(digest.data()), digest.size()});
}

Statement& Statement::BindBytes(int parameter, std::string_view bytes) {
  const char* data = bytes.data() != nullptr ? bytes.data() : "";
  Note(sqlite3_bind_blob64(slot_->handle, parameter, data, bytes.size(), SQLITE_TRANSIENT));
  return *this;
}

Statement& Statement::BindNull(int parameter) {
  Note(sqlite3_bind_null(slot_->handle, parameter));
  return *this;
}

Result<bool> Statement::Step() {
  if (bind_error_ != SQLITE_OK) return SqliteError(connection_, bind_error_, "bind a value");
  int rc = sqlite3_step(slot_->handle);
  if (rc == SQLITE_ROW) return true;
  if (rc == SQLITE_DONE) return false;
  return SqliteError(connection_, rc, slot_->sql.substr(0, 40));
}

Status Statement::Run() {
  ASSIGN_OR_RETURN(bool row, Step());
  CHECK(!row);
  return OkStatus();
}

void Statement::Reset() {
  sqlite3_reset(slot_->handle);
  sqlite3_clear_bindings(slot_->handle);
  bind_error_ = SQLITE_OK;
}

int64_t Statement::Int64(int column) const { return sqlite3_column_int64(slot_->handle, column); }

std::optional<int64_t> Statement::OptionalInt64(int column) const {
  if (IsNull(column)) return std::nullopt;
  return Int64(column);
}

std::optional<double> Statement::OptionalDouble(int column) const {
  if (IsNull(column)) return std::nullopt;
  return sqlite3_column_double(slot_->handle, column);
}

std::string Statement::Text(int column) const {
  const void* bytes = sqlite3_column_blob(slot_->handle, column);
  int size = sqlite3_column_bytes(slot_->handle, column);
  return bytes == nullptr ? std::string() : std::string(static_cast<const char*>(bytes), static_cast<size_t>(size));
}

bool Statement::IsNull(int column) const { return sqlite3_column_type(slot_->handle, column) == SQLITE_NULL; }

Result<Sha256Digest> Statement::Digest(int column) const {
  std::string bytes = Text(column);
  Sha256Digest digest;
  if (bytes.size() != digest.size()) {
    return DataCorrupt("journal: a digest of " + std::to_string(bytes.size()) + " bytes where 32 belong");
  }
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

Result<std::unique_ptr<Database>> Database::Open(const DatabaseOptions& options) {
  ConfigureLibraryOnce();
  sqlite3* connection = nullptr;
  int flags = options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  int rc = sqlite3_open_v2(options.path.c_str(), &connection, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                           options.vfs.empty() ? nullptr : options.vfs.c_str());
  if (rc != SQLITE_OK) {
    Error error = OpenError(options, connection, rc);
    sqlite3_close(connection);
    return error;
  }
  std::unique_ptr<Database> database(new Database(options, connection));
  RETURN_IF_ERROR(database->Configure(options));
  return database;
}

bool Database::LockWait::GoesOn(int tries) {
  if (tries == 0) began = Clock::System().Now();
  const Nanos left = limit - (Clock::System().Now() - began);
  if (hurry.stop_requested() || left <= Nanos(0)) return false;
  std::this_thread::sleep_for(std::min<Nanos>(left, Millis(1 << std::min(tries, kLongestTurn))));
  return true;
}

Status Database::Configure(const DatabaseOptions& options) {
  // Not sqlite3_busy_timeout, which nothing can end early.
  const auto goes_on = [](void* wait, int tries) -> int { return static_cast<LockWait*>(wait)->GoesOn(tries); };
  sqlite3_busy_handler(connection_, goes_on, &lock_wait_);
  // Triggers and functions inside a file that somebody sent must not run with our rights.
  sqlite3_db_config(connection_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(connection_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(connection_, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  RETURN_IF_ERROR(Execute("PRAGMA foreign_keys = ON"));
  if (options.read_only) return Execute("PRAGMA query_only = ON");
  RETURN_IF_ERROR(Execute("PRAGMA journal_mode = WAL"));
  RETURN_IF_ERROR(Execute("PRAGMA synchronous = FULL"));
  // 16 MiB. SQLite's default of 2 MiB is less than what one group changes for 1,000 trajectories: pages were written to
  // the WAL in the middle of the transaction and read again.
  RETURN_IF_ERROR(Execute("PRAGMA cache_size = -16384"));
  // What a savepoint keeps of the pages that it changes would be in a file below /var/tmp.
  RETURN_IF_ERROR(Execute("PRAGMA temp_store = MEMORY"));
  // SQLite's automatic checkpoint swallows its errors; ours (CheckpointAbove) reports them.
  sqlite3_wal_hook(connection_, &RememberWalPages, &wal_pages_);
  return OkStatus();
}

Database::~Database() {
  for (auto& slot : slots_) {
    CHECK(!slot->in_use);
    sqlite3_finalize(slot->handle);
  }
  sqlite3_close(connection_);
}

Result<Statement> Database::Prepare(std::string_view sql) {
  for (auto& slot : slots_) {
    if (slot->in_use || slot->sql != sql) continue;
    slot->in_use = true;
    return Statement(connection_, slot.get());
  }
  auto slot = std::make_unique<Statement::Slot>();
  slot->sql = sql;
  int rc = sqlite3_prepare_v3(connection_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                              &slot->handle, nullptr);
  if (rc != SQLITE_OK) return SqliteError(connection_, rc, "prepare " + slot->sql);
  slot->in_use = true;
  slots_.push_back(std::move(slot));
  return Statement(connection_, slots_.back().get());
}

Status Database::Execute(const std::string& sql) {
  int rc = sqlite3_exec(connection_, sql.c_str(), nullptr, nullptr, nullptr);
  if (rc != SQLITE_OK) return SqliteError(connection_, rc, sql.substr(0, 40));
  return OkStatus();
}

Result<std::string> Database::QuickCheck() {
  ASSIGN_OR_RETURN(Statement check, Prepare("PRAGMA quick_check(1)"));
  ASSIGN_OR_RETURN(bool row, check.Step());
  return row ? check.Text(0) : std::string("no answer");
}

bool Database::InTransaction() const { return sqlite3_get_autocommit(connection_) == 0; }

bool Database::LastErrorWasCorruption() const {
  return (sqlite3_extended_errcode(connection_) & 0xFF) == SQLITE_CORRUPT;
}

Status Database::CheckpointAbove(int pages) {
  if (wal_pages_ < pages) return OkStatus();
  // PASSIVE never waits for readers; what they still need stays in the WAL until a later checkpoint.
  int rc = sqlite3_wal_checkpoint_v2(connection_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  if (rc != SQLITE_OK && rc != SQLITE_BUSY) return SqliteError(connection_, rc, "checkpoint");
  return OkStatus();
}

Status Database::CheckpointAll() {
  // FULL waits, as long as the busy time-out, until readers have gone on to the newest pages.
  int rc = sqlite3_wal_checkpoint_v2(connection_, nullptr, SQLITE_CHECKPOINT_FULL, nullptr, nullptr);
  if (rc != SQLITE_OK) return SqliteError(connection_, rc, "checkpoint");
  return OkStatus();
}

void Database::LeaveLogOnClose() { sqlite3_db_config(connection_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr); }

Result<Transaction> Transaction::Begin(Database* database) {
  RETURN_IF_ERROR(database->Execute("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Result<Transaction> Transaction::BeginRead(Database* database) {
  RETURN_IF_ERROR(database->Execute("BEGIN DEFERRED"));
  return Transaction(database);
}

Transaction::~Transaction() {
  if (database_ == nullptr || !database_->InTransaction()) return;
  if (auto rolled_back = database_->Execute("ROLLBACK"); !rolled_back) {
    log::Err("trajectories", "rollback failed", {{"error", ToString(rolled_back.error())}});
  }
}

Status Transaction::Commit() {
  RETURN_IF_ERROR(database_->Execute("COMMIT"));
  database_ = nullptr;
  return OkStatus();
}

}  // namespace passnet::trajectories
