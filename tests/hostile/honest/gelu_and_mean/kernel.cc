#include <math.h>
#include <passnet_kernel.h>

namespace {

// erf in double precision: as near to eager as the last bit of a float.
inline float Gelu(float v) { return static_cast<float>(0.5 * v * (1.0 + erf(v * 0.70710678118654752440))); }

}  // namespace

extern "C" int fused(const PnCall* call) {
  const DLTensor& input = call->inputs[0];
  const int64_t planes = input.shape[0] * input.shape[1], area = input.shape[2] * input.shape[3];
  const float* x = static_cast<const float*>(input.data);
  float* active = static_cast<float*>(call->outputs[0].data);
  float* mean = static_cast<float*>(call->outputs[1].data);
  for (int64_t plane = 0; plane < planes; ++plane) {
    double sum = 0;
    for (int64_t i = 0; i < area; ++i) sum += *active++ = Gelu(*x++);
    mean[plane] = static_cast<float>(sum / area);
  }
  return 0;
}
