#include <math.h>
#include <passnet_kernel.h>

extern "C" int fused(const PnCall* call) {
  float* x = static_cast<float*>(call->outputs[0].data);
  for (int64_t i = 0; i < 64 * 512; ++i) x[i] = fmaxf(x[i] * 2.0f, 0.0f);
  return 0;
}
