// One function a step: reads its payload, does it, and on failure leaves errno set and names the object.
// Threads: single-threaded child after fork. libc only, no allocation, async-signal-safe.
// Errors: false with errno; the caller (apply.cc) fills pn_apply_error.
#pragma once

#include <stdint.h>

#include "sandbox/apply/reader.h"

namespace passnet::sandbox {

struct StepContext {
  Reader payload;
  uint16_t flags = 0;
  const char* step = "";   // refined by a step that has several calls
  const char* what = "";   // the object, for the error
  int listener = -1;       // left by kSeccomp with kSeccompListener
  bool listener_wanted = false;
};

bool ApplyUnshare(StepContext& c);
bool ApplyMapIds(StepContext& c);
bool ApplySetIds(StepContext& c);
bool ApplyUnshareMapped(StepContext& c);

bool ApplyMount(StepContext& c);
bool ApplyBind(StepContext& c);
bool ApplyMountAttributes(StepContext& c);
bool ApplyMakeFolder(StepContext& c);
bool ApplySymlink(StepContext& c);
bool ApplyPivot(StepContext& c);
bool ApplyChangeFolder(StepContext& c);

bool ApplySetsid(StepContext& c);
bool ApplyParentDeathSignal(StepContext& c);
bool ApplyResourceLimit(StepContext& c);
bool ApplyAffinity(StepContext& c);
bool ApplyDescriptors(StepContext& c);
bool ApplyDumpable(StepContext& c);
bool ApplyHostname(StepContext& c);
bool ApplyFileMask(StepContext& c);
bool ApplyResetSignals(StepContext& c);
bool ApplyOomScore(StepContext& c);

bool ApplyNoNewPrivileges(StepContext& c);
bool ApplyCapabilities(StepContext& c);
bool ApplyLandlock(StepContext& c);
bool ApplySeccomp(StepContext& c);

// A payload that is not what the step's format says. Sets errno to EPROTO.
bool Malformed();

}  // namespace passnet::sandbox
