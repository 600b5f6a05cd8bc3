#include <math.h>
#include <passnet_kernel.h>

extern "C" int fused(const PnCall* call) {
  const float* x = static_cast<const float*>(call->inputs[0].data);
  float* out = static_cast<float*>(call->outputs[0].data);
  for (int64_t i = 0; i < 4 * 64; ++i) out[i] = x[i] * 0.125f;
  return 0;
}
