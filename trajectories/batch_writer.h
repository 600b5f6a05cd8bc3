// One batch into the tables, inside a transaction that the caller holds: content, events, campaign heads. The folds
// move on in `states`, which the caller writes at the end of the group, or takes back with a batch that failed.
// Threads: as Database (pn-db only).
// Errors: those of Store::Append that concern one batch (kInvalidArgument, kAlreadyExists), and Database's, which
// poison the transaction.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "trajectories/batch.h"
#include "trajectories/database.h"
#include "trajectories/group_states.h"
#include "trajectories/store.h"

namespace passnet::trajectories {

Result<Appended> WriteBatch(Database* database, const Clock& clock, GroupStates* states, const Batch& batch);

}  // namespace passnet::trajectories
