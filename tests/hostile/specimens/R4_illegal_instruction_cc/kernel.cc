#include <math.h>
#include <passnet_kernel.h>

extern "C" int fused(const PnCall* call) {
  static int calls = 0;
  if (++calls > 3) __builtin_trap();
  return call->num_inputs == 0;
}
