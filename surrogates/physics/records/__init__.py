"""An intensive-care patient, hour by hour: physiology, treatments, what is measured when, and the laws of a record."""
