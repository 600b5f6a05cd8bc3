// One batch into the tables, inside a transaction that the caller holds: content, events, folds, campaign heads.
// Threads: as Database (pn-db only).
// Errors: those of Store::Append that concern one batch (kInvalidArgument, kAlreadyExists), and Database's, which
// poison the transaction.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "trajectories/batch.h"
#include "trajectories/database.h"
#include "trajectories/store.h"

namespace passnet::trajectories {

Result<Appended> WriteBatch(Database* database, const Clock& clock, const Batch& batch);

}  // namespace passnet::trajectories
