#include "daemon/http_api/event_stream.h"

#include <utility>

#include "base/log.h"
#include "daemon/http_api/views.h"

namespace passnet::daemon {
namespace {

using trajectories::Event;

constexpr int64_t kPage = 200;
constexpr Nanos kWait = std::chrono::milliseconds(500);  // chosen: how late a stopping server ends a silent stream
constexpr int kWaitsToPing = 20;                         // 10 s: below the usual 30 to 60 s of proxies

std::string Frame(const Event& event) {
  return "id: " + std::to_string(event.row_id) + "\nevent: " + std::string(EventKindName(event.body.kind)) +
         "\ndata: " + EventJson(event) + "\n\n";
}

struct Position {
  int64_t after = 0;
  int silent = 0;
};

}  // namespace

std::shared_ptr<void> StreamSlots::Take() {
  if (taken_.fetch_add(1) >= capacity_) {
    taken_.fetch_sub(1);
    return nullptr;
  }
  return std::shared_ptr<void>(this, [](StreamSlots* slots) { slots->taken_.fetch_sub(1); });
}

StreamFn EventStream(const trajectories::Store* store, trajectories::ReaderPool* readers, std::string campaign_id,
                     int64_t after_row_id, std::shared_ptr<void> slot) {
  Position position;
  position.after = after_row_id;
  return [store, readers, campaign_id = std::move(campaign_id), position,
          slot = std::move(slot)](const WriteFn& write) mutable {
    trajectories::EventQuery query;
    query.campaign_id = campaign_id;
    query.after_row_id = position.after;
    query.limit = kPage;
    query.with_payload = false;
    int64_t newest = store->LastRowId();
    Result<std::vector<Event>> events = [&]() -> Result<std::vector<Event>> {
      ASSIGN_OR_RETURN(auto reader, readers->Borrow());
      return reader->Events(query);
    }();
    if (!events) {
      log::Warning("daemon", "an event stream ended", {{"error", events.error().context}});
      return false;
    }
    for (const Event& event : events.value()) {
      if (!write(Frame(event))) return false;
      position.after = event.row_id;
    }
    if (!events.value().empty()) {
      position.silent = 0;
      return true;
    }
    if (store->WaitForRowAfter(newest, Deadline::After(kWait))) return true;
    if (++position.silent % kWaitsToPing == 0) return write(": still here\n\n");
    return true;
  };
}

}  // namespace passnet::daemon
