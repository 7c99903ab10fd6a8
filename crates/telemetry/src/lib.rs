//! What was observed: typed events, histograms, windows, feedback, export.
