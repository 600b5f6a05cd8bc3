#include <math.h>
#include <passnet_kernel.h>

extern "C" int fused(const PnCall* call) {
  const float* weights = static_cast<const float*>(call->inputs[0].data);
  const float* branches[3];
  for (int i = 0; i < 3; ++i) branches[i] = static_cast<const float*>(call->inputs[1 + i].data);
  const float top = fmaxf(weights[0], fmaxf(weights[1], weights[2]));
  double shares[3], sum = 0;
  for (int i = 0; i < 3; ++i) sum += shares[i] = exp(static_cast<double>(weights[i]) - top);
  float share[3];
  for (int i = 0; i < 3; ++i) share[i] = static_cast<float>(shares[i] / sum);
  float* out = static_cast<float*>(call->outputs[0].data);
  for (int64_t i = 0; i < 64 * 512; ++i) {
    const float two = share[0] * branches[0][i] + share[1] * branches[1][i];
    out[i] = two + share[2] * branches[2][i];
  }
  return 0;
}
