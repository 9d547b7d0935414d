"""An intensive-care patient hour by hour: organ states, treatments that answer them, and vital signs and blood values.

A teaching model, not a clinical one: states are dimensionless severities that relax, feed each other and are treated by
thresholds that clinicians use (mean arterial pressure 65 mmHg for vasopressors, glucose 180 mg/dL for insulin,
haematocrit 21 % for transfusion: Singer et al. 2016, JAMA 315, 801; NICE-SUGAR 2009, NEJM 360, 1283; Hebert et al.
1999, NEJM 340, 409). Rates and spreads were set by hand so that ranges, autocorrelations and mortality by kind of unit
resemble the public PhysioNet/CinC Challenge 2012; nothing is fitted to single patients.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

HOURS = 48
CORONARY, CARDIAC_SURGERY, MEDICAL, SURGICAL = range(4)

INFECTION = np.array([0.30, 0.20, 1.00, 0.70])
HYPOVOLAEMIA = np.array([0.30, 0.70, 0.60, 0.80])
HEART_FAILURE = np.array([1.00, 0.60, 0.50, 0.30])
BRAIN_INJURY = np.array([0.30, 0.15, 0.60, 0.90])
VENTILATED = np.array([0.25, 0.92, 0.40, 0.62])
"""Mean severity on admission, and share ventilated, by kind of unit."""


@dataclass
class Course:
    """What happens to n patients in 48 hours: arrays (n, 48) of true values, in the units of a record.

    Attributes
    ----------
    values : dict of ndarray
    ventilated, pressor : ndarray
        Treatments: on or off, and dose in units of 10 mmHg.
    severity : ndarray
        Sum of the organ severities, (n, 48).
    """

    values: dict[str, np.ndarray]
    ventilated: np.ndarray
    pressor: np.ndarray
    severity: np.ndarray


def course(age: np.ndarray, male: np.ndarray, unit: np.ndarray, draws: Any) -> Course:
    """Simulate the true course of stays.

    Parameters
    ----------
    age : ndarray
        Years, (n,).
    male : ndarray
        (n,) bool.
    unit : ndarray
        (n,) int, one of the four kinds of unit.
    draws : Draws
        Named draws of the n stays, as `surrogates.noise.draws` gives them.

    Returns
    -------
    Course
    """
    n = len(age)
    start = draws.normal((16,), "admission")
    chance = draws.uniform((8,), "treatments")
    step = draws.normal((HOURS, 14), "hours")
    frailty = (age - 65.0) / 20.0
    infection = np.maximum(INFECTION[unit] + 0.15 * frailty + 0.8 * start[:, 0], 0.0)
    volume = np.maximum(HYPOVOLAEMIA[unit] + 0.7 * start[:, 1], 0.0)
    heart = np.maximum(HEART_FAILURE[unit] + 0.3 * frailty + 0.6 * start[:, 2], 0.0)
    brain = np.maximum(BRAIN_INJURY[unit] * 0.6 + 0.1 * frailty + 0.8 * start[:, 3], 0.0)
    kidney = np.maximum(0.25 + 0.2 * frailty + 0.2 * infection + 0.5 * start[:, 4], 0.0)
    ventilated = chance[:, 0] < np.clip(VENTILATED[unit] + 0.12 * (brain + infection - 1.0), 0.02, 0.98)
    extubation = 4.0 + 60.0 * chance[:, 1] * (0.25 + 0.35 * (brain + infection)) + 100.0 * (brain > 2.2)
    cover = 2.0 + 20.0 * chance[:, 2]  # hour of effective antibiotics
    diabetic = chance[:, 3] < 0.18 + 0.06 * np.clip(frailty, -1, 1)
    rest_pressure = 84.0 + 3.0 * frailty + 8.0 * start[:, 5]
    rest_pulse = 54.0 + 9.0 * frailty + 10.0 * start[:, 6]
    rest_rate = 80.0 - 4.0 * frailty + 11.0 * start[:, 7]
    temperature = np.where(unit == CARDIAC_SURGERY, 35.7, 36.8) + 0.5 * start[:, 8]
    muscle = np.where(male, 1.1, 0.85) * np.exp(0.15 * start[:, 9] - 0.15 * frailty)
    creatinine = 0.85 * muscle * (1.0 + 0.9 * kidney + 0.5 * kidney**3)
    urea = 15.0 * (1.0 + 0.8 * kidney + 0.25 * kidney**2) * np.exp(0.35 * start[:, 10] + 0.15 * frailty)
    haematocrit = np.where(male, 33.5, 31.5) - 2.2 * volume - 1.0 * frailty + 4.0 * start[:, 11]
    sodium = 139.0 + 4.6 * start[:, 12]
    potassium = 4.1 + 0.3 * kidney - 0.1 + 0.45 * start[:, 13]
    white = 10.5 * np.exp(0.22 * np.minimum(infection, 3.0) + 0.38 * start[:, 14])
    platelets = 205.0 * np.exp(-0.15 * infection - 0.2 * (unit == CARDIAC_SURGERY) + 0.45 * start[:, 15])
    glucose = 125.0 + 35.0 * diabetic + 18.0 * infection + 28.0 * step[:, 0, 0]
    respiration_rest = 16.5 + 2.5 * start[:, 2] * 0.5 + 1.5 * start[:, 0]
    pressor, sedation = np.zeros(n), np.where(ventilated, 1.0, 0.0)
    pulse_noise, map_noise, rate_noise = 8.0 * step[:, 1, 11], 6.0 * step[:, 1, 12], 6.0 * step[:, 1, 13]
    kept: dict[str, list[np.ndarray]] = {}
    tubes, doses, severities = [], [], []
    for hour in range(HOURS):
        e = step[:, hour]
        on = ventilated & (hour < extubation)
        covered = hour > cover
        infection = np.maximum(infection + (0.012 - 0.045 * covered) * infection + 0.06 * e[:, 0], 0.0)
        volume = np.maximum(volume * 0.955 + 0.07 * e[:, 1] + 0.35 * (e[:, 2] > 2.9), 0.0)
        heart = np.maximum(heart * 0.997 + 0.04 * e[:, 3], 0.0)
        brain = np.maximum(brain * 0.995 + 0.04 * e[:, 4], 0.0)
        map_noise = 0.80 * map_noise + 3.4 * e[:, 5]
        mean = rest_pressure - 7.0 * infection - 6.5 * volume - 5.0 * heart + 10.0 * pressor + 7.0 - 4.0 * sedation
        mean = np.maximum(mean + map_noise, 28.0)
        pressor = np.clip(pressor + 0.35 * (mean < 63.0) - 0.12 * (mean > 76.0), 0.0, 3.0)
        kidney = np.clip(kidney + 0.03 * (mean < 60.0) - 0.008 * kidney + 0.01 * infection + 0.02 * e[:, 6], 0.0, 4.0)
        pulse_noise = 0.85 * pulse_noise + 4.2 * e[:, 7]
        pulse = np.maximum((rest_pulse + pulse_noise) * (1.0 - 0.10 * volume - 0.08 * heart), 12.0)
        temperature += 0.10 * (36.9 + 0.32 * infection - temperature) + 0.13 * e[:, 8]
        rate_noise = 0.85 * rate_noise + 3.0 * e[:, 9]
        rate = rest_rate + 7.0 * infection + 5.0 * volume + 5.0 * (temperature - 37.0) + rate_noise - 3.0 * sedation
        rate = np.clip(rate, 28.0, 190.0)
        respiration = respiration_rest + 2.2 * infection + 2.0 * heart + 1.2 * e[:, 10]
        respiration = np.clip(np.where(on, 0.5 * respiration + 7.0, respiration), 6.0, 50.0)
        sedation = np.where(on, np.maximum(sedation * 0.992, 0.35), sedation * 0.72)
        alert = 15.3 - 3.6 * brain - 7.5 * sedation - 0.4 * infection + 0.5 * e[:, 11]
        clearance = 1.0 / (1.0 + 0.9 * kidney + 0.5 * kidney**3)
        creatinine += 0.035 * (0.85 * muscle / clearance - creatinine)
        urea += 0.02 * (15.0 * (1.0 + 0.8 * kidney + 0.25 * kidney**2) * (0.7 + 0.3 * urea / 20.0) - urea)
        urine = 120.0 * clearance**0.7 * np.clip(mean / 80.0, 0.2, 1.5) ** 2 * np.exp(0.55 * e[:, 12] - 0.15)
        glucose += 0.12 * (125.0 + 35.0 * diabetic + 14.0 * infection + 8.0 * pressor - glucose) + 13.0 * e[:, 13]
        glucose = np.maximum(glucose - 0.12 * np.maximum(glucose - 180.0, 0.0), 30.0)
        haematocrit += -0.5 * np.maximum(e[:, 1] - 1.9, 0.0) + 0.22 * (haematocrit < 24.0) + 0.18 * e[:, 2]
        haematocrit = np.clip(haematocrit, 12.0, 60.0)
        potassium += 0.05 * (4.0 + 0.25 * kidney - potassium) + 0.09 * e[:, 3]
        sodium += 0.01 * (139.0 - sodium) + 0.28 * e[:, 6]
        white *= np.exp(0.012 * (infection - 0.6) * (1.0 - covered) - 0.003 * covered + 0.03 * e[:, 8])
        platelets *= np.exp(-0.004 * infection + 0.02 * e[:, 9])
        values = {
            "heart_rate": rate,
            "temperature": temperature,
            "respiratory_rate": respiration,
            "glasgow_coma_scale": np.clip(np.where(on, np.minimum(alert, 11.0), alert), 3.0, 15.0),
            "urine_output": urine,
            "creatinine": creatinine,
            "blood_urea_nitrogen": urea,
            "glucose": glucose,
            "haematocrit": haematocrit,
            "potassium": potassium,
            "sodium": sodium,
            "white_cells": white,
            "platelets": platelets,
            "mean_arterial_pressure": mean,
            "systolic_arterial_pressure": mean + 2.0 / 3.0 * pulse,
        }
        for name, value in values.items():
            kept.setdefault(name, []).append(np.array(value))
        tubes.append(on)
        doses.append(pressor.copy())
        severities.append(infection + 0.6 * volume + 0.7 * heart + 1.1 * brain + 0.5 * kidney + 0.4 * pressor)
    return Course(
        {name: np.stack(hours, axis=1) for name, hours in kept.items()},
        np.stack(tubes, axis=1),
        np.stack(doses, axis=1),
        np.stack(severities, axis=1),
    )


def died(age: np.ndarray, unit: np.ndarray, found: Course, draws: Any) -> np.ndarray:
    """Who dies in hospital, (n,) bool: a logistic law of the last day's severity, age and kind of unit."""
    burden = found.severity[:, HOURS // 2 :].mean(axis=1)
    offset = np.array([-0.2, -1.3, 0.3, 0.0])[unit]
    logit = -4.1 + 0.030 * (age - 65.0) + 1.05 * burden + offset
    return draws.uniform((), "outcome") < 1.0 / (1.0 + np.exp(-logit))


def stature(male: np.ndarray, age: np.ndarray, draws: Any) -> tuple[np.ndarray, np.ndarray]:
    """Height [cm] and weight [kg] on admission, (n,) each."""
    body = draws.normal((2,), "stature")
    height = np.where(male, 176.0, 162.0) - 0.05 * (age - 65.0) + 7.5 * body[:, 0]
    index = 27.5 * np.exp(0.22 * body[:, 1] - 0.03 * np.maximum(age - 70.0, 0.0) / 10.0)
    return np.clip(height, 122.0, 218.0), np.clip(index * (height / 100.0) ** 2, 30.0, 260.0)
