#include "evaluator/api/device_name.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace passnet::evaluator {
namespace {

constexpr std::string_view kCuda = "cuda:";
constexpr size_t kMostShown = 80;
constexpr int kMostDevices = 1024;

// As the driver writes it, "GPU-" and a UUID in small letters. A slice of one (MIG) has another form and is no device of ours.
bool IsGpuUuid(std::string_view text) {
  constexpr std::string_view kForm = "GPU-xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  return text.size() == kForm.size() && std::equal(text.begin(), text.end(), kForm.begin(), [](char c, char form) {
           return form == 'x' ? (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') : c == form;
         });
}

}  // namespace

Result<DeviceName> ParseDeviceName(const std::string& text) {
  DeviceName name;
  if (text == "cpu") return name;
  name.cuda = true;
  if (text.starts_with(kCuda)) {
    const std::string_view which = std::string_view(text).substr(kCuda.size());
    if (IsGpuUuid(which)) {
      name.uuid = which;
      return name;
    }
    int number = 0;
    const auto [end, failed] = std::from_chars(which.data(), which.data() + which.size(), number);
    if (failed == std::errc() && end == which.data() + which.size() && number >= 0 && number < kMostDevices) {
      name.number = number;
      return name;
    }
  }
  return InvalidArgument("device \"" + text.substr(0, kMostShown) +
                         "\": expected cpu, cuda:N (a number that `nvidia-smi -L` lists) or cuda:GPU-… (its UUID)");
}

}  // namespace passnet::evaluator
