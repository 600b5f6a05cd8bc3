// CHECK: for broken invariants of ours, always compiled. Never on user, network, model or child output.
#pragma once

namespace passnet {
[[noreturn]] void CheckFailed(const char* expr, const char* file, int line);
}

#define CHECK(expr) ((expr) ? (void)0 : ::passnet::CheckFailed(#expr, __FILE__, __LINE__))
