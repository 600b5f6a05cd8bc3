#include "evaluator/lane/inductor.h"

#include <nlohmann/json.hpp>

namespace passnet::evaluator {

Result<std::shared_ptr<InductorParent>> InductorParent::Start(std::shared_ptr<Zygote> zygote, Deadline deadline) {
  ForkSpec spec;
  spec.role = "inductor";
  spec.first_frame = "{}";
  auto parent = std::make_shared<InductorParent>();
  ASSIGN_OR_RETURN(parent->process_, WorkerProcess::Fork(std::move(zygote), spec, deadline));
  ASSIGN_OR_RETURN(FrameWithFds frame, parent->process_->channel().ReceiveFrame(deadline, 1u << 20));
  nlohmann::json reply = nlohmann::json::parse(frame.json, nullptr, false);
  if (!reply.is_object()) return DataCorrupt("the TorchInductor process sent nonsense");
  if (!reply.value("ready", false)) return Internal("TorchInductor does not work here: " + reply.value("error", frame.json));
  if (reply.value("tasks", 0) != 1) {
    return Internal("the TorchInductor process has " + std::to_string(reply.value("tasks", 0)) +
                    " threads after its first compile and must have one to be forked");
  }
  return parent;
}

}  // namespace passnet::evaluator
