"""What a folder of cutouts holds, in one line for the help and for errors."""

LAYOUT = (
    "a folder with a catalogue (CSV or FITS) and a cutout an object named by it, FITS (cube, extensions or one image) "
    "or JPEG and PNG, in folders below or beside it; as Galaxy Zoo 2 publishes it, or with columns named by --set "
    "identity=, morphology=, pixel_scale=, psf_fwhm=, noise=; a psf.fits beside it is the PSF of all"
)
