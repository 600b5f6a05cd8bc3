// The interpreter behind pn_sandbox_apply, for our own launcher too, which can carry a seccomp listener away.
// Threads: single-threaded child after fork. libc only, no allocation. Errors: false with `*error` filled.
#pragma once

#include <stddef.h>

#include "sandbox/apply/apply.h"

namespace passnet::sandbox {

// `*listener` is set when the plan installs a filter with a listener; such a plan is refused unless `listener_wanted`.
bool Interpret(const void* plan, size_t size, bool listener_wanted, int* listener, pn_apply_error* error);

void FillError(pn_apply_error* error, int err, const char* step, const char* what);

}  // namespace passnet::sandbox
