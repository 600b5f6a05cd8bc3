#include <math.h>
#include <passnet_kernel.h>

namespace {

extern "C" void cblas_sgemm(int, int, int, int, int, int, float, const float*, int, const float*, int, float, float*, int);

}  // namespace

extern "C" int fused(const PnCall* call) {
  const float* x = static_cast<const float*>(call->inputs[0].data);
  const float* weight = static_cast<const float*>(call->inputs[1].data);
  float* out = static_cast<float*>(call->outputs[0].data);
  cblas_sgemm(101, 111, 111, 64, 256, 256, 0.5f, x, 256, weight, 256, 0.0f, out, 256);
  return 0;
}
