// A lab, a site and observations to start from.
// Runs in: unit tests.
#pragma once

#include "gateway/controller/plan/plan.hpp"

namespace stowage::controller {

inline Site example_site() {
    return {"/mnt/nfs",          700000, 799999, "gateway.example", "/mnt/nfs", Durability::full,
            Resumption::required};
}

inline Lab example_lab() {
    Lab lab;
    lab.name = "lab1";
    lab.uid = 700001;
    lab.export_id = 1;
    lab.fsid[0] = 1;
    lab.project_id = 700001;
    lab.settings = {10ull << 40, 50000000, {"10.0.0.0/8"}, {}, {}};
    return lab;
}

/// Nothing is there yet, on the labs' filesystem, which has XFS quotas.
inline message::LabObservation nothing_there() {
    message::LabObservation seen;
    seen.root_marked = 1;
    seen.quota_backend = message::QuotaBackend::xfs;
    return seen;
}

/// Everything is as example_lab() wants it.
inline message::LabObservation all_there() {
    auto seen = nothing_there();
    seen.directory_exists = seen.marked = seen.mounted = 1;
    seen.uid = seen.gid = 700001;
    seen.mode = 042770;
    seen.quota_bytes = 10ull << 40;
    seen.quota_inodes = 50000000;
    seen.project_id = 700001;
    seen.project_whole = 1;
    seen.exported = seen.export_present = 1;
    return seen;
}

inline Lab made_lab() {
    auto lab = example_lab();
    lab.directory = DirectoryPhase::made;
    return lab;
}

inline ObservedStorage settled() {
    return {all_there(), served_form(made_lab(), example_site()), true, true};
}

inline runai::NfsDataSource wanted_source() {
    return {"lab1-nfs", "100002", "gateway.example", "/mnt/nfs/lab1", "/mnt/nfs", false};
}

inline runai::ObservedDataSource found_source() {
    return {"uuid-1", "department", wanted_source(), "admin"};
}

}  // namespace stowage::controller
