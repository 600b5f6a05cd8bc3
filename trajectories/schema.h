// The journal's tables as numbered migrations: version n of a file is what the first n migrations make.
// Threads: as Database. Errors: kInvalidArgument (a newer file, or another program's), kUnavailable (a read-only
// opening of an older file), those of Database.
// Source: docs/formats.md, "Journal".
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "trajectories/database.h"

namespace passnet::trajectories {

// The version this program writes. Do not renumber: files carry it.
inline constexpr int kSchemaVersion = 2;

// Brings a file up to kSchemaVersion, each step in one transaction that also sets user_version.
Status Migrate(Database* database);

// For readers: the file has exactly kSchemaVersion.
Status CheckVersion(Database* database);

// Every table, index, trigger and view of the file, by type and name, as SQL; those that SQLite makes by itself have none.
Result<std::map<std::string, std::string>> SchemaObjects(Database* database);
// What a new file of this version has.
Result<std::map<std::string, std::string>> ExpectedSchemaObjects();

}  // namespace passnet::trajectories
