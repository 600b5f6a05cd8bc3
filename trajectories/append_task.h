// Store::AppendAsync as something a loop coroutine can wait for.
// Threads: loop-only; resumes on the coroutine's own executor.
#pragma once

#include <memory>

#include "base/result.h"
#include "base/task.h"
#include "trajectories/store.h"

namespace passnet::trajectories {

// `store` is borrowed until the task ends. A refused batch (kOverloaded, kCancelled) comes back as the same Result.
Task<Result<Appended>> AppendTask(Store* store, std::shared_ptr<const Batch> batch);

}  // namespace passnet::trajectories
