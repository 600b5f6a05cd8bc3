#include <math.h>
#include <passnet_kernel.h>

extern "C" int fused(const PnCall* call) {
  const float* x = static_cast<const float*>(call->inputs[0].data);
  float* out = static_cast<float*>(call->outputs[0].data);
  for (int64_t row = 0; row < 8 * 64; ++row, x += 64, out += 64) {
    float top = -INFINITY;
    for (int i = 0; i < 64; ++i) top = fmaxf(top, x[i] * 0.125f);
    double weights[64], sum = 0;
    for (int i = 0; i < 64; ++i) sum += weights[i] = exp(static_cast<double>(x[i] * 0.125f) - top);
    for (int i = 0; i < 64; ++i) out[i] = static_cast<float>(weights[i] / sum);
  }
  return 0;
}
