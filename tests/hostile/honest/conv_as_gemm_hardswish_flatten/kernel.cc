#include <math.h>
#include <passnet_kernel.h>
#include <string.h>

namespace {

struct Bf16 {
  static float Wide(uint16_t v) {
    const uint32_t bits = static_cast<uint32_t>(v) << 16;
    float wide;
    memcpy(&wide, &bits, sizeof wide);
    return wide;
  }
  static uint16_t Narrow(float v) {
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
  }
};

struct F16 {
  static float Wide(uint16_t v) {
    _Float16 narrow;
    memcpy(&narrow, &v, sizeof narrow);
    return static_cast<float>(narrow);
  }
  static uint16_t Narrow(float v) {
    const _Float16 narrow = static_cast<_Float16>(v);
    uint16_t bits;
    memcpy(&bits, &narrow, sizeof bits);
    return bits;
  }
};

template <class T>
int Run(const PnCall* call) {
  const DLTensor& input = call->inputs[0];
  const int64_t batch = input.shape[0], depth = input.shape[1], area = input.shape[2] * input.shape[3];
  const int64_t width = call->inputs[1].shape[0];
  const uint16_t* x = static_cast<const uint16_t*>(input.data);
  const uint16_t* weight = static_cast<const uint16_t*>(call->inputs[1].data);
  const uint16_t* bias = static_cast<const uint16_t*>(call->inputs[2].data);
  uint16_t* out = static_cast<uint16_t*>(call->outputs[0].data);
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t o = 0; o < width; ++o) {
      for (int64_t p = 0; p < area; ++p) {
        float sum = T::Wide(bias[o]);
        for (int64_t c = 0; c < depth; ++c) {
          sum += T::Wide(weight[o * depth + c]) * T::Wide(x[(b * depth + c) * area + p]);
        }
        const float rounded = T::Wide(T::Narrow(sum));
        const float gate = fminf(fmaxf(rounded + 3.0f, 0.0f), 6.0f);
        *out++ = T::Narrow(rounded * gate / 6.0f);
      }
    }
  }
  return 0;
}

}  // namespace

extern "C" int fused(const PnCall* call) {
  return call->inputs[0].dtype.code == kDLBfloat ? Run<Bf16>(call) : Run<F16>(call);
}
